package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"
)

// natsLog takes the lines of a NATS server. They are written for operators of NATS: what an
// operator of meshos has to know the plugin says itself. So notices are for debugging, and of
// errors there are a few a minute.
type natsLog struct {
	log   hclog.Logger
	shown *rate.Limiter

	mu   sync.Mutex
	last string    // error
	at   time.Time // when it was reported
}

func newNatsLog(log hclog.Logger, name string) *natsLog {
	return &natsLog{log: log.With("server", name), shown: rate.NewLimiter(rate.Every(20*time.Second), 5)}
}

// expected reports whether an error comes with the end of a link, which the plugin reports
// itself.
func expected(text string) bool {
	return slices.ContainsFunc([]string{
		"Error trying to connect", "handshake error", "Authorization Violation", "authentication error",
		"Permissions Violation", "Unable to connect", "read error", "i/o timeout", "connection refused",
	}, func(part string) bool { return strings.Contains(text, part) })
}

func (l *natsLog) Noticef(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "--") { // its settings
		l.log.Debug(text)
	}
}
func (l *natsLog) Debugf(format string, args ...any) { l.log.Trace(fmt.Sprintf(format, args...)) }
func (l *natsLog) Tracef(string, ...any)             {}
func (l *natsLog) Warnf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l *natsLog) Fatalf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

func (l *natsLog) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	l.last, l.at = text, time.Now()
	l.mu.Unlock()
	if !expected(text) && l.shown.Allow() {
		l.log.Warn("the NATS server reports an error", "error", text)
	} else {
		l.log.Debug(text)
	}
}

// lastError returns what the server reported last, and when.
func (l *natsLog) lastError() (string, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, l.at
}
