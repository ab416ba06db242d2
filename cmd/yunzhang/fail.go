package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/mobileapi/client"
)

// quiet is a failure that has been told already; only the status is left.
type quiet struct{ status int }

func (q quiet) Error() string { return fmt.Sprintf("exit status %d", q.status) }

// usageError is a request that makes no sense; its words are for people.
type usageError struct{ text string }

func (u usageError) Error() string { return u.text }

// fail tells an error and gives the exit status.
func (e *env) fail(err error) int {
	var q quiet
	var u usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &q):
		return q.status
	case errors.As(err, &u):
		fmt.Fprintln(e.err, "yunzhang: "+u.text)
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.err, "yunzhang: "+e.say("已中断", "interrupted"))
		return exitFailed
	}
	fmt.Fprintln(e.err, "yunzhang: "+e.words(err))
	return exitFailed
}

// words says an error: what a server refused in its own words with code and
// request id, what we refuse in ours, anything else as it is.
func (e *env) words(err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		text := fmt.Sprintf("%s [%s]", strings.TrimRight(p.Detail, ".。"), p.Code) + facts(p.Fields)
		if p.Instance != "" {
			text += e.say("，请求号 ", ", request ") + p.Instance
		}
		return text
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Sprintf("%s [%s]", strings.TrimRight(e.say(f.ZH, f.EN), "."), f.Code) + facts(f.Fields)
	}
	return e.known(err)
}

// facts writes what a refusal adds, such as tries_left=2.
func facts(fields map[string]any) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		if name != "type" { // the address of the description, which code names as well
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, " %s=%v", name, fields[name])
	}
	return b.String()
}

// known gives words to what people meet often, and the error's own to the rest.
func (e *env) known(err error) string {
	switch {
	case errors.Is(err, client.ErrNotEnrolled):
		return e.say("这个目录里没有已登记的手机，先运行 yunzhang phone enrol", "no phone is enrolled in this folder; run yunzhang phone enrol first")
	case errors.Is(err, client.ErrEnrolled):
		return e.say("这个目录里已有登记的手机，不会覆盖；换一个 --dir", "this folder holds an enrolled phone, which is not overwritten; choose another --dir")
	case errors.Is(err, errNoOperator):
		return e.say("这个目录里没有已登记的操作员，先运行 yunzhang admin enrol", "no operator is enrolled in this folder; run yunzhang admin enrol first")
	case errors.Is(err, client.ErrQR):
		return e.say("不是本系统的二维码", "this is not a code of this system")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf(e.say("无法连接 %s：%s", "cannot reach %s: %s"), u.URL, u.Err)
	}
	return err.Error()
}
