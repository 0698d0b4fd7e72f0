package api

import (
	"slices"
	"testing"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// A method that is new is for root and the node's own user, until somebody decides otherwise.
func TestEveryMethodThatChangesSomethingIsForRootAndTheNodesUser(t *testing.T) {
	var closed []string
	add := func(name string) {
		if !forEverybody("/" + hostv1.Host_ServiceDesc.ServiceName + "/" + name) {
			closed = append(closed, name)
		}
	}
	for _, m := range hostv1.Host_ServiceDesc.Methods {
		add(m.MethodName)
	}
	for _, m := range hostv1.Host_ServiceDesc.Streams {
		add(m.StreamName)
	}
	slices.Sort(closed)
	if want := []string{"DisablePlugin", "EnablePlugin", "Probe", "Reload", "ReloadPlugin"}; !slices.Equal(closed, want) {
		t.Errorf("closed to the members of the group: %v, want %v", closed, want)
	}
}
