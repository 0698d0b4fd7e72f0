package wire

import (
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// setChain reads what a chain of a mesh is.
func (f *fields) setChain(at string, in *meshosv1.SetChain) mesh.SetChain {
	out := mesh.SetChain{
		Chain: mesh.ChainID(f.id(at+".chain", in.GetChain())), Name: f.nodeName(at+".name", in.GetName()),
		Replicas: in.GetReplicas(), Deleted: in.GetDeleted(), Spread: in.GetSpread(),
	}
	if !mesh.ChainReplicas(out.Replicas) {
		f.fail(at+".replicas", "must be 1, 2, 3 or 5")
	}
	if out.Spread != "" && !mesh.LabelName(out.Spread) {
		f.fail(at+".spread", "%q is not a valid name of a label", out.Spread)
	}
	s := in.GetStream()
	out.Stream = mesh.ChainStream{
		Subjects: slices.Clone(s.GetSubjects()), MaxBytes: s.GetMaxBytes(), MaxAge: f.durationOr0(at+".stream.max_age", s.GetMaxAge()),
		Retention: mesh.Retention(f.enumOr0(at+".stream.retention", int32(s.GetRetention()), int32(mesh.RetainWorkQueue))), Name: s.GetName(),
	}
	if out.Stream.Retention == 0 {
		out.Stream.Retention = mesh.RetainLimits
	}
	switch {
	case len(out.Stream.Subjects) == 0:
		f.fail(at+".stream.subjects", "must name one subject at least")
	case len(out.Stream.Subjects) > mesh.MaxSubjects:
		f.fail(at+".stream.subjects", "must be %d at most", mesh.MaxSubjects)
	case out.Stream.MaxBytes < 0:
		f.fail(at+".stream.max_bytes", "must not be negative")
	case out.Stream.MaxAge < 0:
		f.fail(at+".stream.max_age", "must not be negative")
	case out.Stream.Name != "":
		if why := mesh.BadStream(out.Stream.Name); why != "" {
			f.fail(at+".stream.name", "%s", why)
		}
	}
	for _, subject := range out.Stream.Subjects {
		if why := mesh.BadSubject(subject); why != "" {
			f.fail(at+".stream.subjects", "%s", why)
			break
		}
	}
	return out
}

// SetChainToProto converts the command.
func SetChainToProto(e mesh.SetChain) *meshosv1.SetChain {
	out := &meshosv1.SetChain{
		Chain: uint64(e.Chain), Name: valid(e.Name), Replicas: e.Replicas, Deleted: e.Deleted, Spread: valid(e.Spread),
		Stream: &meshosv1.ChainStream{
			Subjects: slices.Clone(e.Stream.Subjects), MaxBytes: e.Stream.MaxBytes,
			Retention: meshosv1.ChainStream_Retention(e.Stream.Retention), Name: valid(e.Stream.Name),
		},
	}
	if e.Stream.MaxAge != 0 {
		out.Stream.MaxAge = durationpb.New(e.Stream.MaxAge)
	}
	return out
}
