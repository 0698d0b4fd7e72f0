package pluginsdk

import (
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// Exit codes of a plugin run by hand.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main is the whole main of a plugin; it does not return. Started by a host it
// serves, until the host ends it or goes away; run by hand it explains itself.
//
// C is the struct of the configuration: its tags say names, defaults and bounds.
// P is the concrete type of an instance; it serves every kind whose interface it
// has. construct builds one for a configuration that was decoded and checked; its
// error is shown to the operator.
func Main[C, P any](info Info, construct func(Env, C) (P, error)) {
	program := program{
		info: info, path: os.Args[0], args: os.Args[1:],
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv,
		server: func(log hclog.Logger) (*Server, error) { return NewServer(info, construct, log) },
	}
	os.Exit(program.run())
}

// program is one run of a plugin binary. Its world is handed in, so that the pages
// for people can be tested.
type program struct {
	info     Info
	path     string
	args     []string
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	server   func(hclog.Logger) (*Server, error)
}

func (p *program) run() int {
	cookie, hosted := p.env(wire.CookieKey)
	switch {
	case len(p.args) > 0:
		return p.command()
	case !hosted:
		return p.help(p.out)
	case cookie != wire.CookieValue:
		fmt.Fprintf(p.err, "%s: the host speaks %q (in %s), this plugin %q: install versions of both that fit\n",
			p.info.Name, cookie, wire.CookieKey, wire.CookieValue)
		return exitUsage
	default:
		return p.serve()
	}
}

// wrong tells a person what they got wrong.
func (p *program) wrong(format string, args ...any) int {
	fmt.Fprintf(p.err, "%s: %s\nTry: %s --help\n", p.info.Name, fmt.Sprintf(format, args...), p.path)
	return exitUsage
}

// failed tells a person what went wrong.
func (p *program) failed(err error) int {
	fmt.Fprintf(p.err, "%s: %v\n", p.info.Name, err)
	return exitFailed
}
