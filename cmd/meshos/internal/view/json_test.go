package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestJSONCannotSteerATerminal(t *testing.T) {
	in := &meshosv1.LogRecord{Message: "a\x1b[2J\u009b31m\x7f\u202eb\u2028\U000e0001 é 日 😀\n\t"}
	for _, oneLine := range []bool{true, false} {
		var out bytes.Buffer
		if err := JSON(&out, in, oneLine); err != nil {
			t.Fatal(err)
		}
		if text := strings.ReplaceAll(out.String(), "\n", " "); strings.TrimSpace(text) != Plain(strings.TrimSpace(text)) {
			t.Errorf("prints %q", out.String())
		}
		if !strings.Contains(out.String(), "é 日 😀") {
			t.Errorf("what people read is escaped: %s", out.String())
		}
		var back meshosv1.LogRecord
		if err := protojson.Unmarshal(out.Bytes(), &back); err != nil || !proto.Equal(in, &back) {
			t.Errorf("read back as %v, %v", &back, err)
		}
	}
}

// Every field of bytes in the contract is a hash or a nonce, which people and flags see in
// hexadecimal digits, or it holds what programs hand on as it is.
func TestHashesAreHexadecimalInJSON(t *testing.T) {
	asIs := []string{"payload", "signatures", "entry", "seed_pins", "key", "link_key", "token_key", "node_signature", "token_signature", "key_signature", "message", "encoded"}
	hashes := strings.Split(hashFields, "|")
	for _, file := range []protoreflect.FileDescriptor{meshosv1.File_meshos_v1_meshos_proto, hostv1.File_meshos_host_v1_host_proto} {
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				f := fields.Get(j)
				hash, bytes := slices.Contains(hashes, string(f.Name())), f.Kind() == protoreflect.BytesKind
				if f.Kind() == protoreflect.MessageKind {
					continue // its value is not a string, so it is not taken for a hash
				}
				if hash != (bytes && !slices.Contains(asIs, string(f.Name()))) {
					t.Errorf("%s: a field of bytes must be in hashFields or among those that are printed as they are, and no other field may have such a name", f.FullName())
				}
			}
		}
	}
	said := `"commit_id":"3q0="`
	for _, oneLine := range []bool{true, false} {
		var out bytes.Buffer
		in := &meshosv1.AdminAuditRecord{CommitId: []byte{0xde, 0xad}, Reason: said, Commit: &meshosv1.SignedCommit{Payload: []byte{0xde, 0xad}}}
		if err := JSONWith(&out, in, oneLine, "nothing_changed", `it is "so"`); err != nil {
			t.Fatal(err)
		}
		var got struct {
			CommitID string `json:"commit_id"`
			Reason   string
			Changed  string `json:"nothing_changed"`
			Commit   struct{ Payload string }
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.CommitID != "dead" || got.Reason != said || got.Changed != `it is "so"` || got.Commit.Payload != "3q0=" {
			t.Errorf("%v: %s", err, out.String())
		}
	}
	var out bytes.Buffer
	if err := JSONWith(&out, &meshosv1.AdminAuditRecord{}, true, "a", "b"); err != nil || out.String() != `{"a":"b"}`+"\n" {
		t.Errorf("%v: %s", err, out.String())
	}
}
