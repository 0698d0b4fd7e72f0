package plugins

import (
	"log/slog"

	"github.com/meshos/meshos/host/mesh"
)

// LogLines returns what takes the lines of plugins, and about them, into the node's
// log. A line that finds the loop's queue full is lost there, but still goes to log at
// level debug.
func LogLines(loop interface{ TryPublish(mesh.Event) error }, log *slog.Logger) func(mesh.LogLevel, string, string) {
	return func(level mesh.LogLevel, plugin, message string) {
		log.Debug(message, "plugin", plugin)
		_ = loop.TryPublish(mesh.LogLine{Level: level, Source: linesOf(plugin), Message: message})
	}
}

// linesOf returns who says a plugin's lines, as the node's log names it.
func linesOf(plugin string) string { return "plugin:" + plugin }
