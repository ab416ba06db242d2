package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // also: the document is not genuine, a check of doctor failed
	exitUsage  = 2
)

// commands is the command line. Help texts are short, Chinese first.
type commands struct {
	Lang string `help:"语言 zh 或 en，缺省随 LANG。· Language of answers, zh or en; by default that of LANG." enum:"zh,en," default:"" placeholder:"LANG"`

	Demo   demoCmd   `cmd:"" group:"anybody" help:"在沙箱里把整个流程走一遍。· The main job once, in a sandbox."`
	Verify verifyCmd `cmd:"" group:"anybody" help:"验证盖章文件或印章，可离线。· Verify a stamped PDF or a seal, offline."`

	Phone phoneCmd `cmd:"" group:"people" help:"命令行手机：登记、扫码、确认、授权。· A phone for the command line (sandbox)."`

	Init   initCmd   `cmd:"" group:"operators" help:"生成密钥和配置，给出首位管理员的注册码。· Make keys and configuration, print the first administrator's code."`
	Serve  serveCmd  `cmd:"" group:"operators" help:"运行服务。· Run the server."`
	Move   moveCmd   `cmd:"" group:"operators" help:"把全部数据搬到另一种存储并逐项核对。· Take everything to the other kind of store, compared at the end."`
	Doctor doctorCmd `cmd:"" group:"operators" help:"检查时钟、密钥、目录、端口、域名和证书。· Check clock, keys, folders, port, origins, certificates."`
	Admin  adminCmd  `cmd:"" group:"operators" help:"操作员：受理、审核、邀请、登记申报系统、核验审计链。· Operators: applications, invitations, systems, audit."`
	Bench  benchCmd  `cmd:"" group:"operators" help:"在沙箱里量性能。· Measure, in a sandbox."`

	Version versionCmd `cmd:"" group:"anybody" help:"版本。· Version."`
}

const description = `云章：企业云签章。在服务端用国密算法为文件盖章，由本人在手机上扫码确认。
Yunzhang: seals documents on the server with SM2/SM3, approved by people on their phones.

  yunzhang demo --once               整个流程走一遍 · the main job once, in a sandbox
  yunzhang verify FILE.pdf           验证文件 · verify a file; exit status 0 only when genuine
  yunzhang init --sandbox            准备一台试用服务器 · set up a server to try
  yunzhang COMMAND --help            每条命令的说明 · what a command does, with examples`

func groups() []kong.Group {
	return []kong.Group{
		{Key: "anybody", Title: "所有人 · For everybody:"},
		{Key: "people", Title: "法定代表人和经办人 · For legal representatives and agents:"},
		{Key: "operators", Title: "运营方 · For operators:"},
		{Key: "life", Title: "本人 · Oneself:"},
		{Key: "scan", Title: "扫码 · A scanned request:"},
		{Key: "seals", Title: "印章（法定代表人）· Seals, for legal representatives:"},
		{Key: "power", Title: "授权（法定代表人）· Powers, for legal representatives:"},
	}
}

// leave is how kong ends after help; run recovers it.
type leave struct{ status int }

// run is the program: it reads its arguments, does one command and gives the
// exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) (status int) {
	nothing := len(args) == 0
	if nothing {
		args, stdout = []string{"--help"}, stderr
	}
	defer func() {
		if r := recover(); r != nil {
			l, ok := r.(leave)
			if !ok {
				panic(r)
			}
			if status = l.status; nothing {
				status = exitUsage
			}
		}
	}()
	cli := &commands{}
	parser, err := kong.New(cli, kong.Name("yunzhang"), kong.Description(description), kong.ExplicitGroups(groups()),
		kong.Writers(stdout, stderr), kong.Exit(func(status int) { panic(leave{status}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100, NoAppDescFormat: true}))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	chosen, err := parser.Parse(args)
	e := newEnv(cli.Lang, stdin, stdout, stderr, environ)
	if err != nil {
		return e.usage(parser, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second interrupt ends the program at once
	e.ctx = ctx
	return e.fail(chosen.Run(e, cli))
}

// usage says what is wrong with the arguments and where to learn more.
func (e *env) usage(parser *kong.Kong, err error) int {
	command := parser.Model.Name
	if p, ok := err.(*kong.ParseError); ok && p.Context.Command() != "" { //nolint:errorlint // kong gives it bare
		command = p.Context.Model.Name + " " + commandOf(p.Context)
	}
	fmt.Fprintf(e.err, "%s: %s\n", parser.Model.Name, err)
	fmt.Fprintf(e.err, e.say("用法见：%s --help\n", "See: %s --help\n"), command)
	return exitUsage
}

// commandOf names the commands that were recognized, without arguments.
func commandOf(c *kong.Context) (name string) {
	for _, p := range c.Path {
		if p.Command != nil {
			name += " " + p.Command.Name
		}
	}
	if name != "" {
		name = name[1:]
	}
	return name
}
