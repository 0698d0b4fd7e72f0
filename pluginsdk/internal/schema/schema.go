package schema

import (
	"fmt"
	"reflect"
)

// Schema is the format of one configuration struct. It does not change after For has
// returned it.
type Schema struct {
	root *node
}

// kind is what sort of value a node holds.
type kind int

const (
	kindBool kind = iota
	kindInt
	kindUint
	kindFloat
	kindString
	kindDuration
	kindList
	kindMap
	kindStruct
)

// node is one value of the format: the root, a field, or an element.
type node struct {
	kind kind
	typ  reflect.Type
	elem *node    // of lists and maps
	keys []*field // of structs, in the order of the declaration
}

// field is one key of a struct.
type field struct {
	name     string
	index    int
	doc      string
	required bool
	node     *node
	fallback *reflect.Value // the default, parsed
	enum     []string
	min, max *bound
}

// bound is a limit as the author wrote it, and as a number: of the value itself, of its
// nanoseconds, or of its length.
type bound struct {
	text  string
	value float64
}

// For returns the schema of C, which it reads from the tags. D is the type of durations:
// an int64 of nanoseconds that operators write as text.
func For[C any, D ~int64]() (*Schema, error) {
	b := builder{duration: reflect.TypeFor[D]()}
	typ := reflect.TypeFor[C]()
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a configuration must be a struct, not %s", typ)
	}
	root := b.build(typ, typ.String())
	if b.err != nil {
		return nil, b.err
	}
	return &Schema{root: root}, nil
}
