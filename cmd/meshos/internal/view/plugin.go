package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/meshos/meshos/pluginsdk/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Plugins shows a list of plugins, with the reasons of those that are not ready and what is
// wrong with their entries.
func (p Printer) Plugins(plugins []*meshosv1.PluginView) string {
	var b strings.Builder
	p.pluginList(&b, plugins)
	return strings.TrimPrefix(b.String(), "\n")
}

func (p Printer) pluginList(b *strings.Builder, plugins []*meshosv1.PluginView) {
	t := table{
		title:    "PLUGINS",
		columns:  []string{"NAME", "STATUS", "CALLS", "FAILED", "RESTARTS", "LAST CALL", "VERSION", "PID", "KINDS"},
		optional: 3,
		empty:    "none",
	}
	for _, plugin := range plugins {
		t.add(append(pluginCells(plugin), text(pid(plugin.GetPid())), text(OrDash(strings.Join(plugin.GetKinds(), ", "))))...)
	}
	t.write(b, p)
	b.WriteString(p.pluginNotes(plugins))
}

// pluginCells returns what tables of plugins have in common: name to version.
func pluginCells(plugin *meshosv1.PluginView) []cell {
	took := "-"
	if plugin.GetCalls() > 0 {
		took = span(plugin.GetLastCall())
	}
	return []cell{
		text(plugin.GetName()), pluginStatus(plugin.GetStatus()), text(idOf(plugin.GetCalls())),
		failed(plugin.GetFailures()), failed(plugin.GetRestarts()), text(took), text(OrDash(plugin.GetVersion())),
	}
}

// plugins shows the plugins that are not ready, and those with warnings.
func (p Printer) plugins(b *strings.Builder, page Page) {
	var bad, well []*meshosv1.PluginView
	var rest counts
	for _, plugin := range page.Snapshot.GetPlugins() {
		if word, _ := pluginBad(plugin); word != "" || len(plugin.GetWarnings()) > 0 {
			bad = append(bad, plugin)
			continue
		}
		well = append(well, plugin)
		rest.add(pluginStatus(plugin.GetStatus()).text)
	}
	if page.Filter.All {
		bad, rest = append(bad, well...), counts{}
	}
	t := &table{columns: []string{"NAME", "STATUS", "CALLS", "FAILED", "RESTARTS", "LAST CALL", "VERSION"}}
	for _, plugin := range bad {
		t.add(pluginCells(plugin)...)
	}
	p.section(b, page, "PLUGINS", t, &rest)
	b.WriteString(p.pluginNotes(bad))
}

// pluginNotes returns why plugins are not ready. Reasons are long; in the table they would
// push the rest off the screen.
func (p Printer) pluginNotes(plugins []*meshosv1.PluginView) string {
	var b strings.Builder
	for _, plugin := range plugins {
		if note := pluginNote(plugin); note != "" {
			p.note(&b, Plain(plugin.GetName()), pluginStatus(plugin.GetStatus()).style, note)
		}
		for _, warning := range plugin.GetWarnings() {
			p.note(&b, Plain(plugin.GetName()), Warning, Plain(warning))
		}
	}
	return b.String()
}

func pluginStatus(status meshosv1.PluginView_Status) cell {
	c := cell{text: enumWord(status.String(), "STATUS_"), style: Warning}
	switch status {
	case meshosv1.PluginView_STATUS_READY:
		c.style = Good
	case meshosv1.PluginView_STATUS_QUARANTINED, meshosv1.PluginView_STATUS_REJECTED:
		c.style = Bad
	case meshosv1.PluginView_STATUS_DISABLED:
		c.style = Faint
	}
	return c
}

// pluginNote returns why a plugin is not ready, and when it is tried again.
func pluginNote(plugin *meshosv1.PluginView) string {
	note := Plain(plugin.GetMessage())
	if plugin.RestartIn == nil {
		return note
	}
	again := "next try now"
	if plugin.GetRestartIn().AsDuration() > 0 {
		again = "next try in " + span(plugin.GetRestartIn())
	}
	if note == "" {
		return again
	}
	return note + "; " + again
}

// failed highlights a count that should be 0.
func failed(n uint64) cell {
	if n == 0 {
		return cell{text: "0"}
	}
	return cell{text: idOf(n), style: Warning}
}

// Plugin shows all that a node knows about one plugin.
func (p Printer) Plugin(d *hostv1.PluginDetail) string {
	var b strings.Builder
	v := d.GetView()
	status := pluginStatus(v.GetStatus())
	b.WriteString(p.Color.Apply(Strong, Plain(v.GetName())))
	if version := v.GetVersion(); version != "" { // "" until the plugin was ready once
		b.WriteString(" " + Plain(version))
	}
	b.WriteString(": " + p.Color.Apply(status.style, status.text))
	if note := pluginNote(v); note != "" {
		b.WriteString(": " + note)
	}
	b.WriteString("\n")
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-9s %s\n", key, Plain(value))
		}
	}
	line("kinds", OrDash(strings.Join(v.GetKinds(), ", ")))
	line("checks", healthForms(d.GetHealthSchemes()))
	line("file", d.GetPath())
	line("sha256", v.GetSha256())
	line("pid", pid(v.GetPid()))
	calls := idOf(v.GetCalls())
	if v.GetCalls() > 0 {
		calls += fmt.Sprintf(", %d failed, the last one took %s", v.GetFailures(), span(v.GetLastCall()))
	}
	line("calls", calls)
	line("restarts", idOf(v.GetRestarts()))
	line("last exit", OrDash(d.GetLastExit()))
	for _, warning := range d.GetWarnings() {
		line("warning", warning)
	}
	heading := func(title string, n int) {
		if n > 0 {
			b.WriteString("\n" + p.Color.Apply(Strong, title) + "\n")
		}
	}
	heading("TIMELINE", len(d.GetTimeline()))
	for _, event := range d.GetTimeline() {
		fmt.Fprintf(&b, "  %s %s\n", p.Color.Apply(Faint, p.Clock(event.GetAt())), Plain(event.GetWhat()))
	}
	heading("LAST LINES OF STDERR", len(d.GetLastStderr()))
	for _, stderr := range d.GetLastStderr() {
		b.WriteString("  " + Plain(logWords(stderr)) + "\n")
	}
	return b.String()
}

// logWords shows a line that a plugin logged as JSON in hclog's form as text: "WARN message
// key=value". It returns any other line as it is.
func logWords(line string) string {
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber() // keeps 1902000 as it was written
	if decoder.Decode(&fields) != nil {
		return line
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return line
	}
	level, _ := fields["@level"].(string)
	words := fmt.Sprintf("%-5s %s", strings.ToUpper(level), message)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(key, "@") {
			value := fmt.Sprint(fields[key])
			if value == "" || strings.ContainsAny(value, " \"=") {
				value = strconv.Quote(value)
			}
			words += " " + key + "=" + value
		}
	}
	return words
}

// healthForms returns which health targets a plugin checks: "host:port, http://, https://".
func healthForms(schemes []string) string {
	var forms []string
	for _, scheme := range schemes {
		switch scheme {
		case "":
			forms = append(forms, "host:port")
		case wire.HealthTCP:
			forms = append(forms, "host:port", "tcp://")
		default:
			forms = append(forms, scheme+"://")
		}
	}
	return strings.Join(forms, ", ")
}
