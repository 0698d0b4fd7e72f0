package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/meshos/meshos/pluginsdk"
)

// defaultPath is for a plugin whose entry grants no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment returns the whole environment of a command: PATH, the variables of the
// configuration, and the action, as JSON and field by field.
func environment(own pluginsdk.Env, extra map[string]string, id uint64, kind string, action []byte) []string {
	vars := map[string]string{"PATH": defaultPath}
	if path, ok := os.LookupEnv("PATH"); ok {
		vars["PATH"] = path
	}
	maps.Copy(vars, extra)
	vars["MESHOS_NODE"] = fmt.Sprint(own.Node)
	vars["MESHOS_CLUSTER"] = own.Cluster
	vars["MESHOS_ACTION_ID"] = fmt.Sprint(id)
	vars["MESHOS_ACTION_KIND"] = kind
	vars["MESHOS_ACTION"] = string(action)
	var fields map[string]map[string]any
	if err := json.Unmarshal(action, &fields); err == nil {
		for name, value := range fields[kind] {
			vars["MESHOS_"+strings.ToUpper(name)] = text(value)
		}
	}
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+strings.ReplaceAll(vars[name], "\x00", ""))
	}
	return out
}

// text returns the value of a field: the items of a list separated by spaces, a message as
// JSON.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = text(item)
		}
		return strings.Join(words, " ")
	}
	b, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(b)
}
