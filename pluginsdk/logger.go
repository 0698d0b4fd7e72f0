package pluginsdk

import (
	"encoding"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/go-hclog"
)

// textLogger is a logger whose lines have in JSON the values that they would have as text: a
// duration is "1.5s" and not its nanoseconds, and so is every other fmt.Stringer.
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

// asText gives the arguments of a line, with words in place of those values that
// JSON would not show as themselves. What is passed in stays as it is.
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
