package pluginsdk

import (
	"encoding"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/go-hclog"
)

// textLogger is a logger that writes a fmt.Stringer as text, also in lines of JSON: a
// duration is "1.5s" and not its nanoseconds.
type textLogger struct{ hclog.Logger }

func (l textLogger) Log(level hclog.Level, msg string, args ...any) {
	l.Logger.Log(level, msg, asText(args)...)
}
func (l textLogger) Trace(msg string, args ...any) { l.Logger.Trace(msg, asText(args)...) }
func (l textLogger) Debug(msg string, args ...any) { l.Logger.Debug(msg, asText(args)...) }
func (l textLogger) Info(msg string, args ...any)  { l.Logger.Info(msg, asText(args)...) }
func (l textLogger) Warn(msg string, args ...any)  { l.Logger.Warn(msg, asText(args)...) }
func (l textLogger) Error(msg string, args ...any) { l.Logger.Error(msg, asText(args)...) }

func (l textLogger) With(args ...any) hclog.Logger { return textLogger{l.Logger.With(asText(args)...)} }

func (l textLogger) Named(name string) hclog.Logger { return textLogger{l.Logger.Named(name)} }
func (l textLogger) ResetNamed(name string) hclog.Logger {
	return textLogger{l.Logger.ResetNamed(name)}
}

// asText returns the arguments of a line with text in place of each fmt.Stringer. It does
// not change args.
func asText(args []any) []any {
	out := args
	for i, arg := range args {
		switch arg.(type) {
		case error, json.Marshaler, encoding.TextMarshaler, hclog.Format:
			continue
		case fmt.Stringer:
		default:
			continue
		}
		if &out[0] == &args[0] {
			out = append([]any(nil), args...)
		}
		out[i] = fmt.Sprint(arg)
	}
	return out
}
