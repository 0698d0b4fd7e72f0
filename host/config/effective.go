package config

import (
	"fmt"
	"strings"
)

// Effective returns the whole configuration as TOML, defaults included. Parse makes the
// same configuration of it.
func (c *Config) Effective() string {
	var b strings.Builder
	for _, s := range c.sections() {
		if s.single != nil {
			writeTable(&b, "["+s.name+"]", s.single)
		}
		for i := range s.items() {
			writeTable(&b, "[["+s.name+"]]", s.item(i))
		}
	}
	return b.String()
}

func writeTable(b *strings.Builder, header string, settings []setting) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(header + "\n")
	for _, s := range settings {
		if text := s.text(); text != "" {
			fmt.Fprintf(b, "%s = %s\n", s.key, text)
		}
	}
}

// inlineSettings returns a table below a section in one line.
func inlineSettings(settings []setting) string {
	var items []string
	for _, s := range settings {
		if text := s.text(); text != "" {
			items = append(items, s.key+" = "+text)
		}
	}
	return "{ " + strings.Join(items, ", ") + " }"
}
