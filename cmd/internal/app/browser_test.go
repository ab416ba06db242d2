package app_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/qrflow/qr"
)

// chromium opens a tab, or skips the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium: none on the path")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(exe), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("accept-lang", "zh-CN"), chromedp.WindowSize(1280, 800))
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stop)
	return ctx
}

// A real browser shows the code, a phone reads it off the picture of the page,
// the page shows the number, the person copies it, the page says that it is
// done. Nobody handed anything over but what can be seen.
func TestStampWithARealBrowser(t *testing.T) {
	t.Parallel()
	tab := chromium(t)
	p := newParty(t, 5, app.Options{})
	d, err := p.system.Upload(t.Context(), "参保登记表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	p.bindAtOnce(t, p.system, "browser")
	verifier, hash := ds.Verifier()
	ask := drive.StampAsk("browser", uscc, d.ID, 1, 130, 200)
	ask.VerifierHash, ask.Origin, ask.Context = hash.Hex(), p.Config.Sites.Demo, "127.0.0.0/24 Chrome"
	opened, err := p.system.Open(t.Context(), ask)
	check(t, err)
	check(t, chromedp.Run(tab, chromedp.Navigate(p.Config.Sites.Demo+"/widget/#tkt="+opened.PageToken)))

	scan, err := p.agent.Scan(t.Context(), readPage(t, tab, "1-code"))
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	number := numberOnPage(t, tab)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, number)
	check(t, err)
	text := pageText(t, tab, func(s string) bool { return strings.Contains(s, "盖章完成") || strings.Contains(s, "已完成") })
	keepShot(t, tab, "3-done")
	if strings.Contains(text, "李四") || strings.Contains(text, drive.Agent().Phone) {
		t.Errorf("the page knows whom it should not: %s", text)
	}
	if st, err := p.system.Status(t.Context(), opened.Ticket); err != nil || st.State != "done" {
		t.Errorf("%+v, %v", st, err)
	}
	_, err = p.system.Redeem(t.Context(), opened.Ticket, "rc_guess", verifier)
	wantCode(t, err, "ticket-unavailable") // the code went to the page only
}

// readPage takes pictures of the page until a code can be read off one.
func readPage(t *testing.T, tab context.Context, name string) string {
	t.Helper()
	for {
		var png []byte
		check(t, chromedp.Run(tab, chromedp.CaptureScreenshot(&png)))
		if text, err := qr.Read(png); err == nil {
			keepShot(t, tab, name)
			return text
		}
		check(t, chromedp.Run(tab, chromedp.Sleep(100*time.Millisecond)))
	}
}

var threeDigits = regexp.MustCompile(`(?m)^\s*(\d)\s*(\d)\s*(\d)\s*$`)

// numberOnPage reads the three digits as they stand on the page.
func numberOnPage(t *testing.T, tab context.Context) string {
	t.Helper()
	text := pageText(t, tab, threeDigits.MatchString)
	keepShot(t, tab, "2-number")
	m := threeDigits.FindStringSubmatch(text)
	return m[1] + m[2] + m[3]
}

// pageText waits for the page to say something.
func pageText(t *testing.T, tab context.Context, want func(string) bool) string {
	t.Helper()
	for {
		var text string
		check(t, chromedp.Run(tab, chromedp.Evaluate(`document.querySelector('main').innerText`, &text)))
		if want(text) {
			return text
		}
		check(t, chromedp.Run(tab, chromedp.Sleep(100*time.Millisecond)))
	}
}

// keepShot keeps a picture of the page where YUNZHANG_SHOTS says.
func keepShot(t *testing.T, tab context.Context, name string) {
	t.Helper()
	dir := os.Getenv("YUNZHANG_SHOTS")
	if dir == "" {
		return
	}
	var png []byte
	check(t, chromedp.Run(tab, chromedp.CaptureScreenshot(&png)))
	check(t, os.WriteFile(filepath.Join(dir, "flow-"+name+".png"), png, 0o600))
}
