package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

// maxLine bounds one line of a plugin's output, in bytes.
const maxLine = 8 << 10

// lineParser finds level and message in a plugin's lines: JSON as hclog, slog and
// zap write it, their text forms, and anything else. It never fails. The lines of
// a crash are errors to the end.
type lineParser struct {
	crashed bool
}

// parse reads one line.
func (p *lineParser) parse(line string) (mesh.LogLevel, string) {
	if level, message, ok := parseJSON(line); ok {
		return level, clean(message, maxLine)
	}
	p.watch(line)
	if p.crashed {
		return mesh.LevelError, clean(line, maxLine)
	}
	level, message := parseText(line)
	return level, clean(message, maxLine)
}

// watch looks whether a crash begins with a line that is not parsed.
func (p *lineParser) watch(line string) {
	if isCrash(line) {
		p.crashed = true
	}
}

// isCrash recognises what the Go runtime says first when it gives up.
func isCrash(line string) bool {
	for _, prefix := range []string{"panic: ", "fatal error: ", "SIGABRT: ", "SIGSEGV: ", "SIGQUIT: ", "runtime: "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// parseJSON reads an object that has a message as text.
func parseJSON(line string) (mesh.LogLevel, string, bool) {
	if !strings.HasPrefix(line, "{") {
		return 0, "", false
	}
	fields := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	if dec.Decode(&fields) != nil {
		return 0, "", false
	}
	message, ok := takeText(fields, "@message", "msg", "message")
	if !ok {
		return 0, "", false
	}
	word, _ := takeText(fields, "@level", "level")
	level, known := levelOf(word)
	if !known {
		level = mesh.LevelInfo
	}
	// The node's log has its own times, and the plugin's name.
	for _, key := range []string{"@timestamp", "time", "ts", "@module", "@caller"} {
		delete(fields, key)
	}
	return level, message + pairs(fields), true
}

// takeText takes the first of some keys that holds a text out of an object.
func takeText(fields map[string]any, keys ...string) (string, bool) {
	for _, key := range keys {
		if s, ok := fields[key].(string); ok {
			delete(fields, key)
			return s, true
		}
	}
	return "", false
}

// pairs writes what else a line carries as " key=value", sorted by key.
func pairs(fields map[string]any) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString(" " + key + "=")
		switch v := fields[key].(type) {
		case string:
			if v == "" || strings.ContainsAny(v, " \"=\n\t") {
				quoted, _ := json.Marshal(v)
				b.Write(quoted)
			} else {
				b.WriteString(v)
			}
		default:
			var buf bytes.Buffer
			enc := json.NewEncoder(&buf)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(v) // it came from JSON
			b.WriteString(strings.TrimSpace(buf.String()))
		}
	}
	return b.String()
}

var (
	// "2026-11-23T12:00:00.000Z [INFO]  name: text", "[WARN] text"
	bracketed = regexp.MustCompile(`^(?:\d{4}[-/]\d{2}[-/]\d{2}[T ]\S+ )?\[([A-Za-z]{4,7})\]:?\s+(.*)$`)
	// "2026/11/23 12:00:00 INFO text", "WARN: text"
	leading = regexp.MustCompile(`^(?:\d{4}[-/]\d{2}[-/]\d{2}[T ]\S+ )?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR):? +(.*)$`)
	// time=… level=INFO msg="text" …
	logfmt = regexp.MustCompile(`(?:^|\s)level=([A-Za-z]{4,7})\b`)
)

// parseText looks for a level in a line that is no JSON.
func parseText(line string) (mesh.LogLevel, string) {
	for _, form := range []*regexp.Regexp{bracketed, leading} {
		if m := form.FindStringSubmatch(line); m != nil {
			if level, ok := levelOf(m[1]); ok {
				return level, m[2]
			}
		}
	}
	if m := logfmt.FindStringSubmatch(line); m != nil {
		if level, ok := levelOf(m[1]); ok {
			return level, line
		}
	}
	return mesh.LevelInfo, line
}

// levelOf reads the name of a level.
func levelOf(word string) (mesh.LogLevel, bool) {
	switch strings.ToLower(word) {
	case "trace":
		return mesh.LevelTrace, true
	case "debug":
		return mesh.LevelDebug, true
	case "info":
		return mesh.LevelInfo, true
	case "warn", "warning":
		return mesh.LevelWarn, true
	case "error", "fatal", "panic", "dpanic":
		return mesh.LevelError, true
	}
	return 0, false
}

// clean makes a plugin's words fit for a terminal and a record: valid UTF-8, no
// control characters but tab, at most limit bytes.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			if r == '\n' {
				return ' '
			}
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + " …"
}
