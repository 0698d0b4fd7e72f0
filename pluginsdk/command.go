package pluginsdk

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// command runs the command that a person typed.
func (p *program) command() int {
	switch name, rest := p.args[0], p.args[1:]; name {
	case "help", "--help", "-help", "-h":
		return p.help(p.out)
	case "version", "--version", "-version":
		return p.alone(rest, func() int {
			fmt.Fprintf(p.out, "%s %s\n", p.info.Name, p.info.Version)
			return exitDone
		})
	case "describe":
		return p.alone(rest, p.describe)
	case "--debug", "-debug", "debug":
		return p.alone(rest, p.debug)
	case "run":
		return p.runCommand(rest)
	default:
		return p.wrong("unknown command %q", name)
	}
}

// alone runs a command that takes no arguments.
func (p *program) alone(rest []string, f func() int) int {
	if len(rest) > 0 {
		return p.wrong("%s takes no arguments, got %q", p.args[0], rest[0])
	}
	return f()
}

// describe prints, as JSON, what Describe answers to a host, and Info.Doc.
func (p *program) describe() int {
	server, err := p.server(nil)
	if err != nil {
		return p.failed(err)
	}
	text, err := json.MarshalIndent(struct {
		Name         string          `json:"name"`
		Version      string          `json:"version"`
		Doc          string          `json:"doc"`
		Kinds        []string        `json:"kinds"`
		NoOp         bool            `json:"no_op"`
		Schemes      []string        `json:"health_schemes,omitempty"`
		ConfigSchema json.RawMessage `json:"config_schema"`
	}{p.info.Name, p.info.Version, p.info.Doc, server.kinds, p.info.NoOp, p.info.HealthSchemes, json.RawMessage(server.configSchema)}, "", "  ")
	if err != nil {
		return p.failed(err)
	}
	fmt.Fprintf(p.out, "%s\n", text)
	return exitDone
}

// help prints the page for a person who ran the binary.
func (p *program) help(w io.Writer) int {
	server, err := p.server(nil)
	if err != nil {
		return p.failed(err)
	}
	fmt.Fprintf(w, "%s %s", p.info.Name, p.info.Version)
	if p.info.Doc != "" {
		fmt.Fprintf(w, ": %s", p.info.Doc)
	}
	fmt.Fprintf(w, `

This is a plugin of meshos. A node starts it; name it in the node's meshos.toml:

  [[plugin]]
  name = %q
  path = %q

`, p.info.Name, p.path)
	kinds := strings.Join(server.kinds, ", ")
	if p.info.NoOp {
		kinds += " (as a placeholder that does nothing)"
	}
	fmt.Fprintf(w, "It serves %s.\n\n", kinds)
	p.keys(w, server)
	fmt.Fprintf(w, `By hand:

  %[1]s describe    print its kinds and its configuration's schema, as JSON
  %[1]s run         start it here, ask it once and print the answers (see run -h)
  %[1]s --debug     serve without a host, for a debugger
  %[1]s version     print its name and version
`, p.path)
	return exitDone
}

// keys prints the keys of the configuration.
func (p *program) keys(w io.Writer, server *Server) {
	keys := server.schema.Keys()
	if len(keys) == 0 {
		fmt.Fprint(w, "There is nothing to configure.\n\n")
		return
	}
	fmt.Fprint(w, "Under [plugin.config]:\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range keys {
		value := k.Default
		switch {
		case k.Must:
			value = "required"
		case value == "":
			value = "-"
		}
		about := k.Type
		if k.Doc != "" {
			about = k.Doc
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", k.Name, value, about)
	}
	_ = table.Flush() // a page that can't be written has no reader
	fmt.Fprintln(w)
}

// tempDir runs f with a temporary directory, and removes it afterwards.
func tempDir(f func(dir string) int, failed func(error) int) int {
	dir, err := os.MkdirTemp("", "meshos-")
	if err != nil {
		return failed(fmt.Errorf("make a temporary directory: %w", err))
	}
	code := f(dir)
	if err := os.RemoveAll(dir); err != nil {
		return failed(fmt.Errorf("clean up: %w", err))
	}
	return code
}
