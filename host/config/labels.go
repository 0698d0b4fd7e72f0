package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Bounds of labels: all of a node's are said to every other node.
const (
	mostLabels    = 16
	labelValueMax = 64
)

// labels is a setting for the properties of a machine.
func labels(key string, at *map[string]string) setting {
	return environment(key, at).checked(func() *fault {
		var faults *fault
		for _, name := range slices.Sorted(maps.Keys(*at)) {
			f := badLabel(name)
			if f == nil && ((*at)[name] == "" || len((*at)[name]) > labelValueMax) {
				f = &fault{message: fmt.Sprintf("must have 1 to %d bytes", labelValueMax)}
			}
			if f != nil {
				f.at = []string{name}
				faults = faults.append(f)
			}
		}
		if len(*at) > mostLabels {
			faults = faults.append(&fault{message: fmt.Sprintf("a node has at most %d labels, and here are %d", mostLabels, len(*at))})
		}
		return faults
	})
}

// badLabel returns what is wrong with the name of a label, nil if nothing is.
func badLabel(name string) *fault {
	if !mesh.LabelName(name) {
		return &fault{
			message: shortened(quote(name)) + " is not a valid name of a label",
			hint:    fmt.Sprintf(`a name has at most %d lower-case letters, digits, dots, slashes, underscores and hyphens, such as "rack"`, mesh.MaxLabelName),
		}
	}
	return nil
}
