package widget_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/qrflow/qr"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/widget"
)

func TestInTheBrowser(t *testing.T) {
	b := browser(t)
	for _, tc := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"a stamp", aStamp}, {"endings", endings}, {"reload", reload}, {"offline", offline}, {"English", english},
		{"opener hands the token over", opener}, {"module in a page of another origin", module},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, b) })
	}
}

// A stamp from the first frame to the last word, with everything that can happen
// on the way, in the order in which it happens.
func aStamp(t *testing.T, b context.Context) {
	s, w := newStage(t), watch(t, b)
	c := opened(s, w)
	interrupted(c, w)
	c = restarted(s, w, c)
	claimed(c, w)
	stamped(c, w)
	w.quiet()
}

func opened(s *stage, w *watched) *caller {
	w.t.Helper()
	w.do(chromedp.Navigate(s.url + "/widget/#tkt=tk1"))
	c := s.attached("tkt.tk1")
	w.shows("正在连接")
	w.shoot("01-connecting")
	c.hello("open", "r1", nil)
	c.hears(`{"v":1,"type":"ack","seq":0}`)
	if got := w.text(`location.href`); got != s.url+"/widget/" {
		w.t.Errorf("the token is still in the address: %s", got)
	}
	w.shows("由“浙江省社会保险网上申报系统”发起")
	w.decodes(c.frame(0))
	w.shows("分")
	w.shoot("02-open")
	w.decodes(c.frame(1))
	c.send("wrong_subject", 3, nil)
	c.hears(`{"v":1,"type":"ack","seq":3}`)
	w.shows("不是该事项的办理人")
	w.shoot("03-stranger")
	return c
}

// interrupted: a code that nobody renews is covered, and comes back.
func interrupted(c *caller, w *watched) {
	w.t.Helper()
	w.do(chromedp.Evaluate(`skew += 7000`, nil))
	w.shows("连接中断")
	if n := w.text(`document.querySelectorAll('.yz-frame path').length`); n != "0" {
		w.t.Error("the stale code is still in the page")
	}
	w.shoot("04-covered")
	w.decodes(c.frame(2))
}

// restarted: the server goes, the page comes back with what it has.
func restarted(s *stage, w *watched, c *caller) *caller {
	w.t.Helper()
	c.end(1012)
	w.shows("连接中断")
	c = s.attached("res.r1")
	c.hello("open", "r2", nil)
	c.hears(`{"v":1,"type":"ack","seq":3}`)
	w.decodes(c.frame(3))
	return c
}

func claimed(c *caller, w *watched) {
	w.t.Helper()
	c.send("claimed", 4, msg{"who": "张*（尾号 34 的手机）", "match": "417", "decide_ms": 300_000})
	c.hears(`{"v":1,"type":"ack","seq":4}`)
	w.shows("张*（尾号 34 的手机）已扫码")
	if got := w.text(`[...document.querySelectorAll('.yz-digit')].map((d) => d.textContent).join('')`); got != "417" {
		w.t.Errorf("number %q", got)
	}
	if got := w.text(`document.querySelector('[role=status]').textContent`); !strings.Contains(got, "4 1 7") {
		w.t.Errorf("said to listeners: %q", got)
	}
	w.shoot("05-claimed")
	c.send("match_wrong", 5, msg{"tries_left": 1})
	c.hears(`{"v":1,"type":"ack","seq":5}`)
	w.shows("还可以再试 1 次")
	w.shoot("06-match-wrong")
	c.send("match_wrong", 5, msg{"tries_left": 9}) // said twice: not heard twice
	c.send("from_the_future", 0, msg{"x": 1})
}

func stamped(c *caller, w *watched) {
	w.t.Helper()
	c.send("approved", 6, nil)
	c.hears(`{"v":1,"type":"ack","seq":6}`)
	w.shows("已在手机上确认")
	if strings.Contains(w.text(`document.body.innerText`), "再试 9 次") {
		w.t.Error("a message that came twice was taken twice")
	}
	w.shoot("07-approved")
	c.send("signing", 7, msg{"done": 1, "total": 3})
	w.shows("第 2 份，共 3 份")
	w.shoot("08-signing")
	c.send("done", 8, msg{"result_code": "rc_1", "expires_ms": 60000})
	w.shows("盖章完成")
	w.shoot("09-done")
	if got := w.text(`sessionStorage.length`); got != "0" {
		w.t.Error("a resume token is kept after the end")
	}
}

// decodes waits until the code on the screen says text.
func (w *watched) decodes(text string) {
	w.t.Helper()
	var got string
	for range 50 {
		var picture []byte
		w.do(chromedp.Screenshot(`.yz-square`, &picture, chromedp.NodeVisible))
		if got, _ = qr.Read(picture); got == text {
			return
		}
	}
	w.t.Fatalf("the code says %q, want %q", got, text)
}

func endings(t *testing.T, b context.Context) {
	s, w := newStage(t), watch(t, b)
	for i, tc := range []struct {
		kind   string
		fields msg
		want   string
	}{
		{"rejected", msg{"reason": "user"}, "没有任何文件被盖章"},
		{"ended", msg{"state": "expired"}, "二维码已过期"},
		{"ended", msg{"state": "cancelled"}, "已取消"},
		{"ended", msg{"state": "blocked"}, "请求已被阻止"},
		{"ended", msg{"state": "failed"}, "授权次数不受影响"},
	} {
		token := fmt.Sprint("t", i)
		w.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/widget/#tkt="+token))
		c := s.attached("tkt." + token)
		c.hello("open", "r", nil)
		c.send(tc.kind, 3, tc.fields)
		c.end(4410)
		w.shows(tc.want)
		name := tc.kind
		if state, ok := tc.fields["state"].(string); ok {
			name = state
		}
		w.shoot("20-" + name)
	}

	// A newer window has the ticket.
	w.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/widget/#tkt=x"))
	c := s.attached("tkt.x")
	c.hello("open", "r", nil)
	c.end(4409)
	w.shows("已在另一个窗口打开")
	w.shoot("21-replaced")

	// A token that is used up.
	w.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/widget/#tkt=bad"))
	w.shows("页面已失效")
	w.shoot("22-gone")
	w.quiet()
}

// Loading the page again keeps the ticket, by a token that only this tab knows.
func reload(t *testing.T, b context.Context) {
	s, w := newStage(t), watch(t, b)
	w.do(chromedp.Navigate(s.url + "/widget/#tkt=tk1"))
	c := s.attached("tkt.tk1")
	c.hello("open", "r1", nil)
	c.send("claimed", 3, msg{"who": "李*", "match": "008", "decide_ms": 90_000})
	w.shows("李*已扫码")
	w.do(chromedp.Reload())
	c = s.attached("res.r1")
	c.hello("claimed", "r2", nil)
	c.hears(`{"v":1,"type":"ack","seq":0}`)
	c.send("claimed", 3, msg{"who": "李*", "match": "008", "decide_ms": 60_000})
	w.shows("李*已扫码")
	w.do(chromedp.Click(`.yz-stop`, chromedp.NodeVisible))
	c.hears(`{"v":1,"type":"ack","seq":3}`)
	c.hears(`{"v":1,"type":"cancel"}`)
	c.send("ended", 4, msg{"state": "cancelled"})
	w.shows("已取消")
	if got := w.text(`document.activeElement.tagName`); got != "H1" {
		t.Errorf("after the button went the focus is on %s", got)
	}
	w.quiet()
}

// No network for long: the person is asked, not tortured.
func offline(t *testing.T, b context.Context) {
	s, w := newStage(t), watch(t, b)
	w.do(chromedp.Navigate(s.url + "/widget/#tkt=tk1"))
	c := s.attached("tkt.tk1")
	c.hello("open", "r1", nil)
	w.decodes(c.frame(0))
	// A socket that is silent is given up after two and a half heartbeats.
	s.down.Store(true)
	w.do(chromedp.Evaluate(`skew += 40000`, nil))
	<-s.turned
	w.do(chromedp.Evaluate(`skew += 130000`, nil))
	w.shows("无法连接")
	w.shoot("23-offline")
	s.down.Store(false)
	w.do(chromedp.Click(`.yz-first`, chromedp.NodeVisible))
	c = s.attached("res.r1")
	c.hello("open", "r2", nil)
	w.decodes(c.frame(9))
	w.quiet()
}

func english(t *testing.T, b context.Context) {
	s, w := newStage(t), watch(t, b)
	w.do(emulation.SetUserAgentOverride("Mozilla/5.0 Chrome").WithAcceptLanguage("en-GB"))
	w.do(chromedp.Navigate(s.url + "/widget/#tkt=tk1"))
	c := s.attached("tkt.tk1")
	c.hello("open", "r1", msg{"purpose": "login", "app": "Social Insurance Online"})
	c.frame(0)
	w.shows("Scan to log in")
	w.shows("Requested by Social Insurance Online")
	w.shoot("30-english-open")
	c.send("claimed", 3, msg{"who": "张*", "match": "930", "decide_ms": 90_000})
	w.shows("Scanned by 张*")
	w.shoot("31-english-claimed")
	w.do(chromedp.Click(`#language`))
	w.shows("请在手机上输入这个数字")
	if got := w.text(`document.documentElement.lang`); got != "zh-CN" {
		t.Errorf("language of the page: %s", got)
	}
	w.quiet()
}

// A declaration system opens our page and hands the token over by message.
func opener(t *testing.T, b context.Context) {
	s := newStage(t)
	heard := `
		window.heard = [];
		addEventListener('message', (e) => {
			if (e.origin !== '` + s.url + `') return;
			heard.push(e.data.type + ' ' + (e.data.code || e.data.state || ''));
			if (e.data.type === 'yunzhang-ready') {
				e.source.postMessage({ type: 'yunzhang-token', token: 'tk1' }, e.origin);
			}
		});`
	declare := foreign(t, "<script>"+heard+"</script>")
	w := watch(t, b)
	w.do(chromedp.Navigate(declare), chromedp.Evaluate(
		`window.other = window.open('`+s.url+`/widget/#from=' + encodeURIComponent(location.origin)); 1`, nil,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithUserGesture(true) }))
	c := s.attached("tkt.tk1")
	c.hello("open", "r1", nil)
	c.send("done", 3, msg{"result_code": "rc_9", "expires_ms": 60000})
	// The page that opened is behind now and draws nothing: ask by the clock.
	w.do(chromedp.Poll(`heard.length === 3`, nil, chromedp.WithPollingInterval(50*time.Millisecond)))
	if got := w.text(`heard.join()`); got != "yunzhang-ready ,yunzhang-result rc_9,yunzhang-ended done" {
		t.Errorf("the opener heard %s", got)
	}
}

// A declaration system puts the module into a page of its own: the socket then
// sees that page's origin.
func module(t *testing.T, b context.Context) {
	s := newStage(t)
	declare := foreign(t, `
		<link rel="stylesheet" href="`+s.url+`/ui/ui.css"><link rel="stylesheet" href="`+s.url+`/widget/waiting.css">
		<h1>申报</h1><div id="here"></div>
		<script type="module">
			import { open } from '`+s.url+`/widget/waiting.js';
			open(document.getElementById('here'), { socket: '`+s.socket+`', token: 'tk1', onresult: (code) => { window.result = code; } });
		</script>`)
	w := watch(t, b)
	w.do(chromedp.Navigate(declare))
	c := s.attached("tkt.tk1")
	if c.origin != strings.TrimSuffix(declare, "/") {
		t.Errorf("origin %q, want %q", c.origin, declare)
	}
	c.hello("open", "r1", nil)
	w.decodes(c.frame(0))
	w.shoot("40-embedded")
	c.send("done", 3, msg{"result_code": "rc_9"})
	w.do(chromedp.Poll(`window.result === 'rc_9'`, nil))
	w.quiet()
}

// foreign serves one page of another origin, with no policy of ours.
func foreign(t *testing.T, body string) string {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.SendString(`<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">` + body)
	})
	return serve(t, app) + "/"
}

func TestMount(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{})
	for _, bad := range []string{"", "/v1/page", ":"} {
		if widget.Mount(app, widget.Settings{Socket: bad}) == nil {
			t.Errorf("%q was taken for a socket", bad)
		}
	}
}
