package snapshot

import (
	"reflect"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// An entry with any field changed is another one, so no change is missing in a snapshot.
func TestAnEntryWithAnyFieldChangedIsAnotherOne(t *testing.T) {
	eachField(t, sameDaemon)
	eachField(t, sameReplica)
	eachField(t, func(a, b *Peer) bool { return *a == *b })
	eachField(t, sameNodeOrder)
	eachField(t, sameDaemonOrder)
	eachField(t, sameGate)
}

func eachField[V any](t *testing.T, same func(a, b *V) bool) {
	t.Helper()
	var zero V
	if !same(&zero, new(V)) {
		t.Errorf("two empty %T are not the same", zero)
	}
	of := reflect.TypeOf(zero)
	for i := range of.NumField() {
		var changed V
		field := reflect.ValueOf(&changed).Elem().Field(i)
		field.Set(another(t, field.Type()))
		if same(&zero, &changed) {
			t.Errorf("%T: %s does not count", zero, of.Field(i).Name)
		}
	}
}

// another returns a value that is not zero.
func another(t *testing.T, of reflect.Type) reflect.Value {
	t.Helper()
	v := reflect.New(of).Elem()
	switch v.Interface().(type) {
	case Mark:
		return reflect.ValueOf(At(7))
	case mesh.DaemonRef:
		return reflect.ValueOf(mesh.DaemonRef{ID: 7})
	case mesh.DaemonHealth:
		return reflect.ValueOf(mesh.DaemonHealth{Reason: "x"})
	case mesh.DaemonEnd:
		return reflect.ValueOf(mesh.DaemonEnd{At: time.Unix(1, 0)})
	case mesh.Echoes:
		return reflect.ValueOf(mesh.Echoes{Sent: 7})
	case state.Origin:
		return reflect.ValueOf(state.Origin{Height: 7})
	}
	switch of.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	case reflect.Pointer:
		v.Set(reflect.New(of.Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(of, 1, 1))
	default:
		t.Fatalf("no other value of a %v", of)
	}
	return v
}
