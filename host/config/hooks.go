package config

import (
	"fmt"
	"time"
)

// Hooks are commands that are run for a daemon, one after the other.
type Hooks struct {
	Commands [][]string    // programs with their arguments
	Timeout  time.Duration // for all of them together
}

// commands is a setting for one command, or a list of them.
func commands(key string, at *[][]string) setting {
	const wanted = `a command such as ["/usr/sbin/nginx", "-t"], or a list of them`
	return setting{
		key: key,
		set: func(v any) *fault {
			list, ok := v.([]any)
			if !ok {
				return wrongType(wanted, v)
			}
			if len(list) > 0 {
				if _, one := list[0].(string); one {
					list = []any{list}
				}
			}
			var out [][]string
			for i, item := range list {
				if _, ok := item.([]any); !ok {
					f := wrongType(wanted, item)
					f.message = fmt.Sprintf("item %d %s", i+1, f.message)
					return f
				}
				var command []string
				if f := texts(key, &command).set(item); f != nil {
					return f
				}
				if f := badCommand(command); f != nil {
					return f
				}
				out = append(out, command)
			}
			*at = out
			return nil
		},
		text: func() string {
			switch len(*at) {
			case 0:
				return ""
			case 1:
				return inline((*at)[0])
			}
			return inlineList(*at)
		},
	}
}

// checkHooks reports a start that would be given up before its commands had their time.
func (r *reader) checkHooks(c *Config) {
	for i, d := range c.Daemons {
		if len(d.PreStart.Commands) == 0 || d.PreStart.Timeout < c.Loop.ActionTimeout {
			continue
		}
		at := place("").key("daemon").item(i)
		r.problem("daemon.pre_start_timeout", fault{
			message: fmt.Sprintf("must be less than loop.action_timeout; it is %s and that is %s",
				formatDuration(d.PreStart.Timeout), formatDuration(c.Loop.ActionTimeout)),
			hint: "the commands belong to the start: what takes long is better a daemon of its own",
		}, at.key("pre_start_timeout"), at.key("pre_start"), at)
	}
}
