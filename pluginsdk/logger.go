package pluginsdk

import (
	"encoding"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/go-hclog"
)

// wordy is a logger whose lines say in JSON what they would say as text: a duration
// is "1.5s" and not its nanoseconds, and so with all else that has words for itself.
type wordy struct{ hclog.Logger }

func (l wordy) Log(level hclog.Level, msg string, args ...any) {
	l.Logger.Log(level, msg, inWords(args)...)
}
func (l wordy) Trace(msg string, args ...any) { l.Logger.Trace(msg, inWords(args)...) }
func (l wordy) Debug(msg string, args ...any) { l.Logger.Debug(msg, inWords(args)...) }
func (l wordy) Info(msg string, args ...any)  { l.Logger.Info(msg, inWords(args)...) }
func (l wordy) Warn(msg string, args ...any)  { l.Logger.Warn(msg, inWords(args)...) }
func (l wordy) Error(msg string, args ...any) { l.Logger.Error(msg, inWords(args)...) }

func (l wordy) With(args ...any) hclog.Logger { return wordy{l.Logger.With(inWords(args)...)} }

func (l wordy) Named(name string) hclog.Logger      { return wordy{l.Logger.Named(name)} }
func (l wordy) ResetNamed(name string) hclog.Logger { return wordy{l.Logger.ResetNamed(name)} }

// inWords gives the arguments of a line, with words in place of those values that
// JSON would not show as themselves. What is passed in stays as it is.
func inWords(args []any) []any {
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
