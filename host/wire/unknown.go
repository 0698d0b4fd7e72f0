package wire

import "google.golang.org/protobuf/reflect/protoreflect"

// HasUnknown reports whether a message, or one inside it, has fields that this version's
// contract does not have.
func HasUnknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				found = found || HasUnknown(v.List().Get(i).Message())
			}
		default:
			found = HasUnknown(v.Message())
		}
		return !found
	})
	return found
}
