package config

import (
	"os"
	"path/filepath"
)

// SocketOf gives the path of the API socket that a file names, as an absolute
// path. It looks at nothing else, so that a running node can be asked while its
// file is being changed. The error is a *Report.
func SocketOf(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", &Report{Problems: []Problem{unreadable(path, err)}}
	}
	r := &reader{file: path}
	tree := r.decode(string(raw))
	if tree == nil {
		return "", &Report{Problems: r.problems}
	}
	c := Default()
	if node, ok := tree["node"].(map[string]any); ok {
		if socket, ok := node["socket"].(string); ok && socket != "" {
			c.Node.Socket = socket
		}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", &Report{Problems: []Problem{unreadable(path, err)}}
	}
	c.resolve(dir)
	return c.Node.Socket, nil
}
