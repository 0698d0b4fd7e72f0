package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc/grpclog"

	"github.com/meshos/meshos/internal/linewriter"
)

// logPatience is how long the end of a node waits for whoever reads its log.
const logPatience = 300 * time.Millisecond

// nodeLog is the log of a node on standard error. Nobody who writes to it waits for its reader,
// and a reader that is gone ends nothing.
type nodeLog struct {
	*slog.Logger
	lines *linewriter.Writer // nil if it is not written to a file
}

// openNodeLog opens the log. What this process prints to standard error afterwards is written
// the same way. Close it.
func (a *app) openNodeLog(level, format string) (*nodeLog, error) {
	file, ok := a.err.(*os.File)
	if !ok {
		log, err := a.logger(a.err, level, format)
		return &nodeLog{Logger: log}, err
	}
	a.journal = toJournal()
	var line bytes.Buffer
	losses, err := a.logger(&line, level, format)
	if err != nil {
		return nil, err
	}
	lines := linewriter.New(file.Fd(), func(l linewriter.Loss) []byte {
		line.Reset()
		attrs := []any{"lines", l.Lines, "since", l.Since.Format(time.RFC3339)}
		if l.Cause != nil {
			attrs = append(attrs, "error", l.Cause)
		}
		losses.Error("lines of this log are missing here: nobody read standard error, or it could not be written", attrs...)
		return line.Bytes()
	})
	log, err := a.logger(lines, level, format)
	if err != nil {
		lines.Close(0)
		return nil, err
	}
	// Caught, not ignored: children would ignore it too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	// What libraries print by themselves.
	slog.SetDefault(log)
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, slog.NewLogLogger(log.Handler(), slog.LevelError).Writer()))
	a.err = lines
	a.closeErr = func() { lines.Close(logPatience) }
	return &nodeLog{Logger: log, lines: lines}, nil
}

// lost returns how many lines could not be written so far.
func (l *nodeLog) lost() uint64 {
	if l.lines == nil {
		return 0
	}
	return l.lines.Lost()
}
