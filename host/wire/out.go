package wire

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// valid repairs text for a protobuf string, which must be UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func validAll(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = valid(s)
	}
	return out
}

// orAbsent converts an id into an optional field, which is absent for 0.
func orAbsent[T ~uint64](id T) *uint64 {
	if id == 0 {
		return nil
	}
	out := uint64(id)
	return &out
}

func numbers[T ~uint64](list []T) []uint64 {
	if len(list) == 0 {
		return nil
	}
	out := make([]uint64, len(list))
	for i, id := range list {
		out[i] = uint64(id)
	}
	return out
}

func durationOrAbsent(d *time.Duration) *durationpb.Duration {
	if d == nil {
		return nil
	}
	return durationpb.New(*d)
}

// wall converts a wall time. The zero time becomes nil.
func wall(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func daemonRef(d mesh.DaemonRef) *meshosv1.DaemonRef {
	return &meshosv1.DaemonRef{Id: uint64(d.ID), Name: valid(d.Name)}
}
