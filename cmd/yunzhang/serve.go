package main

import (
	"fmt"
	"os"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
)

// configFlag is where the configuration is, for all commands of operators.
type configFlag struct {
	Config string `help:"配置文件，缺省 yunzhang.toml，也可用 YUNZHANG_CONFIG 指定。· Configuration file; by default yunzhang.toml here, or what YUNZHANG_CONFIG names." placeholder:"FILE"`
}

// defaultConfig is where init writes and serve reads unless told otherwise.
const defaultConfig = "yunzhang.toml"

// path gives the file to use. named is true when somebody asked for it.
func (c configFlag) path(e *env) (path string, named bool) {
	if c.Config != "" {
		return c.Config, true
	}
	if v := e.getenv(config.Prefix + "CONFIG"); v != "" {
		return v, true
	}
	return defaultConfig, false
}

// load reads the configuration; without a file there is the environment alone.
func (c configFlag) load(e *env) (config.Config, error) {
	path, named := c.path(e)
	if _, err := os.Stat(path); err != nil && !named {
		path = ""
	}
	cfg, err := config.Load(path, e.environ)
	if err != nil && path == "" {
		return cfg, fmt.Errorf(e.say("这里没有配置文件 %s，先运行 yunzhang init（环境变量不足：%w）", "there is no %s here; run yunzhang init first (the environment alone does not do: %w)"), defaultConfig, err)
	}
	return cfg, err
}

type serveCmd struct{ configFlag }

// Help teaches.
func (serveCmd) Help() string {
	return `Runs one node until it is told to stop (SIGINT, SIGTERM). Stamps and requests under
way are finished first; what is not finished in time is finished at the next start.

    yunzhang init --sandbox && yunzhang serve
    YUNZHANG_LOG_FORMAT=json yunzhang serve --config /etc/yunzhang/yunzhang.toml

Every key of the file can be set by a variable: sites.app is YUNZHANG_SITES_APP.`
}

// Run serves until the context ends.
func (s serveCmd) Run(e *env) (err error) {
	cfg, err := s.load(e)
	if err != nil {
		return err
	}
	node, err := app.New(cfg, app.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if closed := node.Close(); err == nil {
			err = closed
		}
	}()
	ln, err := node.Listen()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.err, e.say("正在 %s 提供服务：%s，%s\n", "serving on %s: %s, %s\n"), ln.Addr(), cfg.Sites.App, cfg.Sites.Verify)
	return node.Run(e.ctx, ln)
}
