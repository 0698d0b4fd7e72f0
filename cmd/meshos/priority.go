package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// toJournal reports whether standard error is a stream of systemd's journal, which takes the
// priority of a line from a prefix as sd-daemon(3) describes it.
func toJournal() bool {
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}

// prefixed returns a log whose lines begin with their priority. lines returns the log that
// writes the lines.
func prefixed(to io.Writer, lines func(io.Writer) (*slog.Logger, error)) (*slog.Logger, error) {
	w := &priorityWriter{to: to}
	log, err := lines(w)
	if err != nil {
		return nil, err
	}
	return slog.New(&priorityHandler{log.Handler(), w}), nil
}

// priorityWriter puts a priority before each line.
type priorityWriter struct {
	mu       sync.Mutex // held while a record is written
	priority journal.Priority
	to       io.Writer
}

// Write implements io.Writer, for a whole line.
func (w *priorityWriter) Write(line []byte) (int, error) {
	if _, err := w.to.Write(append([]byte(mark(w.priority)), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// priorityHandler tells the writer below it the priority of each record.
type priorityHandler struct {
	slog.Handler
	to *priorityWriter
}

// Handle implements slog.Handler.
func (h *priorityHandler) Handle(ctx context.Context, r slog.Record) error {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	h.to.priority = priorityOf(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *priorityHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &priorityHandler{h.Handler.WithAttrs(attrs), h.to}
}

// WithGroup implements slog.Handler.
func (h *priorityHandler) WithGroup(name string) slog.Handler {
	return &priorityHandler{h.Handler.WithGroup(name), h.to}
}

func priorityOf(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}

func mark(p journal.Priority) string { return fmt.Sprintf("<%d>", p) }

// marked puts a priority before each line of a text, if the text goes to the journal.
func (a *app) marked(level slog.Level, text string) string {
	if !a.journal {
		return text
	}
	prefix := mark(priorityOf(level))
	end := strings.TrimSuffix(text, "\n")
	return prefix + strings.ReplaceAll(end, "\n", "\n"+prefix) + text[len(end):]
}
