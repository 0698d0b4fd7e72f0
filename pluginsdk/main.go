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

// Main is the whole main function of a plugin; it does not return. A process that a host
// started serves until the host ends it or goes away. A process that a person started
// prints what it serves, its configuration and its commands.
//
// C is the struct of the configuration; its tags define names, defaults and bounds:
//
//	json:"name"      the key; "-" leaves the field out
//	default:"1s"     the value when the key is missing
//	doc:"…"          one sentence for operators
//	required:"true"  the key must be there
//	min, max         bounds of numbers and durations, or of the length of a text, list or map
//	enum:"a,b"       the only texts allowed
//
// P is the concrete type of an instance, usually a pointer. The instance serves every
// kind whose interface P implements. construct returns the instance for a configuration
// that was decoded and checked; its error is shown to the operator.
func Main[C, P any](info Info, construct func(Env, C) (P, error)) {
	program := program{
		info: info, path: os.Args[0], args: os.Args[1:],
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv,
		server: func(log hclog.Logger) (*Server, error) { return NewServer(info, construct, log) },
	}
	os.Exit(program.run())
}

// program is one run of a plugin binary. What it reads and writes are fields, so that
// its output for people can be tested.
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
		fmt.Fprintf(p.err, "%s: the host speaks %q (in %s), this plugin %q: install versions of both that match\n",
			p.info.Name, cookie, wire.CookieKey, wire.CookieValue)
		return exitUsage
	default:
		return p.serve()
	}
}

// wrong reports a mistake of the person who ran the command.
func (p *program) wrong(format string, args ...any) int {
	fmt.Fprintf(p.err, "%s: %s\nTry: %s --help\n", p.info.Name, fmt.Sprintf(format, args...), p.path)
	return exitUsage
}

// failed reports an error to the person who ran the command.
func (p *program) failed(err error) int {
	fmt.Fprintf(p.err, "%s: %v\n", p.info.Name, err)
	return exitFailed
}
