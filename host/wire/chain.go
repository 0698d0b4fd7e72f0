package wire

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxSubjects and maxSubject limit what a chain may hold, in subjects and in bytes of each.
const (
	maxSubjects = 64
	maxSubject  = 256
)

// setChain reads what a chain of a mesh is.
func (f *fields) setChain(at string, in *meshosv1.SetChain) mesh.SetChain {
	out := mesh.SetChain{
		Chain: mesh.ChainID(f.id(at+".chain", in.GetChain())), Name: f.nodeName(at+".name", in.GetName()),
		Replicas: in.GetReplicas(), Deleted: in.GetDeleted(),
	}
	if !slices.Contains([]uint32{1, 2, 3, 5}, out.Replicas) {
		f.fail(at+".replicas", "must be 1, 2, 3 or 5")
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
	case len(out.Stream.Subjects) > maxSubjects:
		f.fail(at+".stream.subjects", "must be %d at most", maxSubjects)
	case out.Stream.MaxBytes < 0:
		f.fail(at+".stream.max_bytes", "must not be negative")
	case out.Stream.MaxAge < 0:
		f.fail(at+".stream.max_age", "must not be negative")
	case out.Stream.Name != "":
		f.fail(at+".stream.name", "can't be chosen so far: leave it out")
	}
	for _, subject := range out.Stream.Subjects {
		if why := badSubject(subject); why != "" {
			f.fail(at+".stream.subjects", "%s", why)
			break
		}
	}
	return out
}

// badSubject returns why messages of a chain can't have a subject, or "".
func badSubject(subject string) string {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		switch {
		case len(subject) > maxSubject:
			return fmt.Sprintf("must have %d bytes at most each", maxSubject)
		case token == "" || strings.ContainsAny(token, " \t\r\n"):
			return "must be words with dots between them, such as orders.new"
		case token == ">" && i < len(tokens)-1:
			return "must have > at their end only"
		case token != ">" && token != "*" && strings.ContainsAny(token, "*>"):
			return "must have * and > as whole words only"
		}
	}
	if first := tokens[0]; first == "m" || first == "*" || first == ">" || strings.HasPrefix(first, "$") || strings.HasPrefix(first, "_") {
		return "must begin with a word of their own, which is not m, * or > and does not begin with $ or _: those are the mesh's"
	}
	return ""
}

// SetChainToProto converts the command.
func SetChainToProto(e mesh.SetChain) *meshosv1.SetChain {
	out := &meshosv1.SetChain{
		Chain: uint64(e.Chain), Name: valid(e.Name), Replicas: e.Replicas, Deleted: e.Deleted,
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
