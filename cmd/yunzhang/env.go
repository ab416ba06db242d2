package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// env is what a command has around it.
type env struct {
	ctx     context.Context
	in      *bufio.Reader
	out     io.Writer
	err     io.Writer
	environ []string
	lang    string // "zh" or "en"
	now     func() time.Time
	tty     *os.File // the terminal that is typed on; nil when there is none
}

func newEnv(lang string, stdin io.Reader, stdout, stderr io.Writer, environ []string) *env {
	e := &env{ctx: context.Background(), in: bufio.NewReader(stdin), out: stdout, err: stderr, environ: environ, lang: lang, now: time.Now}
	if lang == "" {
		e.lang = e.locale()
	}
	if f, ok := stdin.(*os.File); ok && isTerminal(f) {
		e.tty = f
	}
	return e
}

// getenv gives a variable of the environment, "" when it is not set.
func (e *env) getenv(name string) string {
	for _, pair := range e.environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// locale is the language of the environment: English unless it says Chinese.
func (e *env) locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := e.getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// say chooses between the two languages.
func (e *env) say(zh, en string) string {
	if e.lang == "zh" {
		return zh
	}
	return en
}

func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.out, format, args...) }

// ask reads one line after a question; the questions go to standard error, so
// that standard output stays for results. An interrupt ends the waiting.
func (e *env) ask(question string) (string, error) {
	fmt.Fprint(e.err, question)
	type typed struct {
		line string
		err  error
	}
	read := make(chan typed, 1)
	go func() {
		line, err := e.in.ReadString('\n')
		read <- typed{line, err}
	}()
	select {
	case <-e.ctx.Done():
		return "", e.ctx.Err()
	case t := <-read:
		if t.err != nil && (t.line == "" || !errors.Is(t.err, io.EOF)) {
			return "", fmt.Errorf("%s: %w", strings.TrimRight(question, ":： "), errNoInput)
		}
		return strings.TrimSpace(t.line), nil
	}
}

// secret is ask without an echo on the terminal.
func (e *env) secret(question string) (string, error) {
	if e.tty == nil {
		return e.ask(question)
	}
	restore, err := silence(e.tty)
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be silenced: %w", err)
	}
	defer func() {
		_ = restore()
		fmt.Fprintln(e.err)
	}()
	return e.ask(question)
}

var errNoInput = errors.New("nothing was typed; give it by a flag or on standard input")

// pin gives the signing PIN: from a file for scripts, else from the person.
func (e *env) pin(file string) (string, error) {
	if file == "" {
		return e.secret(e.say("签名密码：", "PIN: "))
	}
	b, err := os.ReadFile(file)
	return strings.TrimRight(string(b), "\r\n"), err
}

// when writes a time for people, in their own zone.
func (e *env) when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
