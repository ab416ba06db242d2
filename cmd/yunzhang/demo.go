package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/drive"
)

type demoCmd struct {
	Once bool   `help:"走完即退出：真实有效为 0，否则为 1。· Leave when it is done: status 0 when genuine, 1 otherwise."`
	Dir  string `help:"演示数据的目录，可重复使用。· Folder of the demonstration; it can be used again." default:"./yunzhang-demo" type:"path" placeholder:"DIR"`
	PDF  string `name:"pdf" help:"要盖章的 PDF，缺省用自带示例。· PDF to stamp; by default the sample." placeholder:"FILE" type:"path"`
	Addr string `help:"监听地址。· Address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	LAN  bool   `name:"lan" help:"允许局域网访问（自签名证书，仅供试用）。· Listen for the local network, with a self-signed certificate."`
}

// Help teaches.
func (demoCmd) Help() string {
	return `A whole system in a sandbox: a company, its legal representative, an agent and a
declaration system. The main job is done once over the public interfaces, each step
on a numbered line; it ends with a stamped PDF and the verdict on it.

    yunzhang demo --once
    yunzhang demo --once --pdf contract.pdf
    yunzhang demo                     stays up: open the addresses it prints`
}

// errNotGenuine ends a demonstration whose stamp did not verify.
var errNotGenuine = errors.New("the stamped file is not genuine")

// Run shows it.
func (d demoCmd) Run(e *env) (err error) {
	if d.LAN {
		fmt.Fprintln(e.err, e.say("警告：沙箱相信任何人，只可在可信网络短时试用。", "Warning: the sandbox believes everybody; use it on a trusted network, briefly."))
	}
	demo := &drive.Demo{Dir: d.Dir, PDF: d.PDF, Addr: d.addr(), LAN: d.LAN, Out: e.out}
	stop, err := demo.Start(e.ctx)
	if err != nil {
		return err
	}
	defer func() {
		if ended := stop(); err == nil {
			err = ended
		}
	}()
	verdict, err := demo.Run(e.ctx)
	switch {
	case err != nil:
		return err
	case verdict != verify.Genuine:
		return errNotGenuine
	case d.Once || !watched(e.out):
		return nil
	}
	fmt.Fprintln(e.out, e.say("\n按 Ctrl+C 结束。", "\nCtrl+C ends it."))
	<-e.ctx.Done()
	return nil
}

// addr takes a free port when the usual one is not free and nobody asked for
// one.
func (d demoCmd) addr() string {
	const usual = "127.0.0.1:8080"
	if d.Addr != usual {
		return d.Addr
	}
	if ok := canListen(usual); d.Once || !ok {
		return "127.0.0.1:0"
	}
	return usual
}

// watched reports whether the output goes to a terminal.
func watched(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isTerminal(f)
}
