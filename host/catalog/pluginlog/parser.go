package pluginlog

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
)

// maxLine bounds one line of a plugin's output, in bytes.
const maxLine = 8 << 10

// parser finds level and message in the lines of one process: JSON as hclog, slog and
// zap write it, their text forms, and anything else. It never fails. Once a process
// crashes, each of its lines that is not JSON is an error.
type parser struct {
	crashed bool
}

// parse returns the level and the message of a line.
func (p *parser) parse(line string) (mesh.LogLevel, string) {
	if level, message, ok := parseJSON(line); ok {
		return level, plaintext.Clean(message, maxLine)
	}
	p.skip(line)
	if p.crashed {
		return mesh.LevelError, plaintext.Clean(line, maxLine)
	}
	level, message := parseText(line)
	return level, plaintext.Clean(message, maxLine)
}

// skip takes a line that is not parsed, for the case that a crash begins with it.
func (p *parser) skip(line string) {
	if beginsCrash(line) {
		p.crashed = true
	}
}

// beginsCrash reports whether the Go runtime begins the report of a crash with this line.
func beginsCrash(line string) bool {
	for _, prefix := range []string{"panic: ", "fatal error: ", "SIGABRT: ", "SIGSEGV: ", "SIGQUIT: ", "runtime: "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// parseJSON returns the level and the message of a line that is a JSON object. ok is
// false if it is not one, or has no message that is a string.
func parseJSON(line string) (level mesh.LogLevel, message string, ok bool) {
	if !strings.HasPrefix(line, "{") {
		return 0, "", false
	}
	fields := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	if dec.Decode(&fields) != nil {
		return 0, "", false
	}
	message, ok = takeString(fields, "@message", "msg", "message")
	if !ok {
		return 0, "", false
	}
	word, _ := takeString(fields, "@level", "level")
	level, ok = levelOf(word)
	if !ok {
		level = mesh.LevelInfo
	}
	// The node's log has times of its own, and names the plugin.
	for _, key := range []string{"@timestamp", "time", "ts", "@module", "@caller"} {
		delete(fields, key)
	}
	return level, message + pairs(fields), true
}

// takeString removes the first of the keys whose value is a string, and returns the value.
func takeString(fields map[string]any, keys ...string) (string, bool) {
	for _, key := range keys {
		if s, ok := fields[key].(string); ok {
			delete(fields, key)
			return s, true
		}
	}
	return "", false
}

// pairs returns the other fields of a line as " key=value", sorted by key.
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
			_ = enc.Encode(v) // it was decoded from JSON
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

// parseText returns the level and the message of a line that is not JSON. A line without
// a level is INFO.
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

// levelOf returns the level of a name, whatever library it is from.
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
