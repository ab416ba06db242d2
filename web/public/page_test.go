package public_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"yunzhang.dev/cloudseal/cloudsealtest"
)

// listen serves the stage on a port of its own until the test ends.
func (s *stage) listen() string {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.app.Listener(ln) }()
	s.t.Cleanup(func() {
		_ = s.app.Shutdown()
		_ = ln.Close()
		<-done
	})
	return "http://" + ln.Addr().String()
}

// browser is one tab, and what went wrong or abroad in it.
type browser struct {
	t    *testing.T
	ctx  context.Context
	home string

	mu   sync.Mutex // guards what follows
	woes []string
}

func newBrowser(t *testing.T, home string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium: " + err.Error())
	}
	profile, err := os.MkdirTemp("", "yunzhang-browser")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("accept-lang", "zh-CN,zh"),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(profile))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		end()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
		_ = os.RemoveAll(profile) // parts of the browser may outlive it for a moment
	})
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, home: home}
	chromedp.ListenTarget(ctx, b.watch)
	b.run(network.Enable(), log.Enable(), runtime.Enable())
	return b
}

func (b *browser) watch(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.woes = append(b.woes, ev.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.LevelError {
			b.woes = append(b.woes, ev.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, b.home) {
			b.woes = append(b.woes, "asked another host: "+ev.Request.URL)
		}
	}
}

func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// quiet wants that nothing went wrong and nobody else was asked.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.woes) > 0 {
		b.t.Errorf("in the browser: %s", strings.Join(b.woes, "\n"))
	}
}

// picture keeps a screenshot where YUNZHANG_TEST_PICTURES says, for people to look at.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("YUNZHANG_TEST_PICTURES")
	if dir == "" {
		return
	}
	var png []byte
	b.run(chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// choose gives the page a file and waits for the verdict, whose attribute and
// words it returns.
func (b *browser) choose(name string, file []byte) (verdict, words string) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.run(
		chromedp.Evaluate(`document.getElementById('result').replaceChildren()`, nil),
		chromedp.SetUploadFiles("#file", []string{path}, chromedp.ByQuery),
		chromedp.WaitVisible("#verdict", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector('.v-verdict').dataset.verdict`, &verdict),
		chromedp.Evaluate(`document.querySelector('#result').innerText`, &words),
	)
	return verdict, words
}

func TestPageInABrowser(t *testing.T) {
	s := newStage(t)
	b := newBrowser(t, s.listen())
	b.run(emulation.SetDeviceMetricsOverride(1280, 900, 1, false), chromedp.Navigate(b.home+"/"), chromedp.WaitVisible("#drop", chromedp.ByQuery))
	b.picture("verify-start")

	verdict, words := b.choose("参保登记表.pdf", s.stamped)
	if verdict != "genuine" || !strings.Contains(words, "真实有效") || !strings.Contains(words, cloudsealtest.Org.Name) || !strings.Contains(words, "参保登记表.pdf") {
		t.Errorf("%s: %s", verdict, words)
	}
	if got := strings.Count(words, "通过"); got != 8 { // of eleven checks three cannot be made here
		t.Errorf("%d checks passed: %s", got, words)
	}
	b.picture("verify-genuine")
	var focus string
	b.run(chromedp.Evaluate(`document.activeElement.id`, &focus))
	if focus != "verdict" {
		t.Errorf("the focus is on %q", focus)
	}

	altered := []byte(strings.Replace(string(s.stamped), "page 1)", "page 7)", 1))
	if verdict, words = b.choose("altered.pdf", altered); verdict != "altered" || !strings.Contains(words, "未通过") {
		t.Errorf("%s: %s", verdict, words)
	}
	b.picture("verify-altered")
	if verdict, _ = b.choose("plain.pdf", cloudsealtest.PDF(1, 900)); verdict != "unsealed" {
		t.Errorf("unsealed: %s", verdict)
	}
	b.picture("verify-unsealed")
	if verdict, _ = b.choose("seal.esl", s.seal); verdict != "genuine" {
		t.Errorf("a seal: %s", verdict)
	}
	b.picture("verify-seal")
	b.quiet()
}

func TestPageSpeaksEnglishOnAPhone(t *testing.T) {
	s := newStage(t)
	b := newBrowser(t, s.listen())
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 2, true), chromedp.Navigate(b.home+"/"), chromedp.WaitVisible("#drop", chromedp.ByQuery))
	b.picture("verify-phone-start")
	b.run(chromedp.Click("#lang", chromedp.ByQuery))
	verdict, words := b.choose("form.pdf", s.stamped)
	if verdict != "genuine" || !strings.Contains(words, "Genuine") || strings.Contains(words, "通过") {
		t.Errorf("%s: %s", verdict, words)
	}
	b.picture("verify-phone-genuine")
	b.run(chromedp.Navigate(b.home+"/q#1.oKGio6SlpqeoqaqrrK2urw.7.abc"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	b.picture("verify-phone-q")
	var wide bool
	b.run(chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
	if wide {
		t.Error("the page is wider than the phone")
	}
	b.quiet()
}

// A file over the limit is refused in words before it is sent.
func TestPageNamesTheLimit(t *testing.T) {
	s := newStage(t)
	b := newBrowser(t, s.listen())
	path := filepath.Join(t.TempDir(), "large.pdf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(33 << 20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var words string
	b.run(
		chromedp.Navigate(b.home+"/"),
		chromedp.WaitVisible("#drop", chromedp.ByQuery),
		chromedp.SetUploadFiles("#file", []string{path}, chromedp.ByQuery),
		chromedp.WaitVisible("#trouble", chromedp.ByQuery),
		chromedp.Text("#trouble", &words, chromedp.ByQuery),
	)
	if !strings.Contains(words, fmt.Sprintf("%d MiB", 32)) {
		t.Errorf("%s", words)
	}
	b.picture("verify-large")
	b.quiet()
}
