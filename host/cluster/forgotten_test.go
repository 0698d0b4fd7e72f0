package cluster

import (
	"reflect"
	"slices"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Whoever joins from a checkpoint knows only what the encoded state has. A field of State that the
// encoding lacks would be lost there, and nobody would see it in admin_state.
func TestEachFieldOfTheStateIsEncoded(t *testing.T) {
	encodedIn := map[string][]string{
		"height": {"height"}, "head": {"head"}, "at": {"log_time"}, "founding": {"founding"}, "policy": {"cluster_id", "freshness", "cooldown"},
		"signers": {"signers", "signers_height"}, "members": {"members"}, "gone": {"expelled"}, "tokens": {"tokens"}, "nonces": {"nonces"},
		"cooldowns": {"cooldowns"}, "frozenUntil": {"frozen_until"}, "orders": {"orders"}, "marks": {"marks"}, "checkpoint": {"checkpoint"},
		"checkpointAt": {"checkpoint_height"}, "recovered": {"recovered"},
		"foundingChains": {"founding_chains"},
		"sum":            nil, // of all others
	}
	known := []string{"version"}
	of := reflect.TypeFor[State]()
	for i := range of.NumField() {
		name := of.Field(i).Name
		fields, is := encodedIn[name]
		if !is {
			t.Errorf("State.%s is new: encode it in ClusterState (ToProto and FromProto), set it in TestEachFieldOfTheEncodedStateComesBack, and name it here", name)
		}
		known = append(known, fields...)
	}
	fields := (&meshosv1.ClusterState{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if name := string(fields.Get(i).Name()); !slices.Contains(known, name) {
			t.Errorf("ClusterState.%s is new: name here which field of State it has, and set it in TestEachFieldOfTheEncodedStateComesBack", name)
		}
	}
}
