package view

import (
	"testing"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAPluginThatWasNeverReady(t *testing.T) {
	got := Printer{}.Plugin(&hostv1.PluginDetail{
		View: &meshosv1.PluginView{Name: "broken", Status: meshosv1.PluginView_STATUS_QUARANTINED, Message: "no handshake"}, Path: "/bin/false",
	})
	want := "broken: quarantined: no handshake\n" +
		"  kinds     -\n  file      /bin/false\n  pid       -\n  calls     0\n  restarts  0\n  last exit -\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
