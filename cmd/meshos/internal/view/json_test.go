package view

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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
