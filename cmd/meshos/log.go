package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

// logger returns a log that is written to a writer, as text for people or as JSON. Text is in
// color if standard error is a terminal, and auto is text then. For systemd's journal each line
// begins with its priority.
func (a *app) logger(to io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", level)
	}
	if format == "auto" {
		format = "json"
		if terminal(a.err) {
			format = "text"
		}
	}
	if a.journal {
		return prefixed(to, func(w io.Writer) (*slog.Logger, error) { return a.lines(w, least, format) })
	}
	return a.lines(to, least, format)
}

// lines returns a log in one of the formats.
func (a *app) lines(to io.Writer, least slog.Level, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(&lineHandler{out: &lockedWriter{to: to}, least: least, color: a.color(a.err)}), nil
	case "json":
		return jsonLog(to, least), nil
	}
	return nil, fmt.Errorf("--log-format %q: want auto, text or json", format)
}

func jsonLog(to io.Writer, least slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{
		Level: least,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Value.Kind() == slog.KindDuration { // "1.5s" instead of nanoseconds
				attr.Value = slog.StringValue(attr.Value.Duration().String())
			}
			return attr
		},
	}))
}

// lockedWriter writes the lines of several goroutines one after the other.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) line(s string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := io.WriteString(w.to, s)
	return err
}

// lineHandler writes a log for people: "12:00:00.000 INFO  plugin ready plugin=x".
type lineHandler struct {
	out   *lockedWriter
	least slog.Level
	color view.Color
	group string // "a.b." before keys
	attrs string // the attributes of the logger itself, formatted
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.least }

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if !r.Time.IsZero() {
		b.WriteString(h.color.Apply(view.Faint, r.Time.Format("15:04:05.000")) + " ")
	}
	b.WriteString(h.color.Apply(levelStyle(r.Level), fmt.Sprintf("%-5s", r.Level)) + " " + view.Plain(r.Message) + h.attrs)
	r.Attrs(func(attr slog.Attr) bool {
		h.append(&b, h.group, attr)
		return true
	})
	b.WriteByte('\n')
	return h.out.line(b.String())
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, attr := range attrs {
		h.append(&b, h.group, attr)
	}
	next := *h
	next.attrs += b.String()
	return &next
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.group += name + "."
	}
	return &next
}

func (h *lineHandler) append(b *strings.Builder, group string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, inner := range value.Group() {
			h.append(b, group, inner)
		}
		return
	}
	if attr.Key == "" {
		return
	}
	text := value.String()
	if text == "" || strings.ContainsAny(text, " \"=\n\t") {
		text = strconv.Quote(text)
	}
	b.WriteString(" " + h.color.Apply(view.Faint, group+attr.Key+"=") + view.Plain(text))
}

func levelStyle(level slog.Level) view.Style {
	switch {
	case level >= slog.LevelError:
		return view.Bad
	case level >= slog.LevelWarn:
		return view.Warning
	case level >= slog.LevelInfo:
		return view.Good
	}
	return view.Faint
}
