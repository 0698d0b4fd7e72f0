package pluginsdk_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestDebugServesClientsThatReadItsLine(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "--debug")
	cmd.Env = append(os.Environ(), testPlugin+"=log", "TMPDIR=/tmp", "GORACE=atexit_sleep_ms=0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	quoted, ok := strings.CutPrefix(strings.TrimSpace(text), wire.ReattachVariable+"=")
	if !ok {
		t.Fatalf("it says %q", text)
	}
	var at map[string]wire.Reattach
	if err := json.Unmarshal([]byte(strings.Trim(quoted, "'")), &at); err != nil {
		t.Fatal(err)
	}
	log := at["log"]
	if log.Protocol != "grpc" || log.ProtocolVersion != 1 || log.PID != cmd.Process.Pid || log.Network != "unix" {
		t.Errorf("it says %+v", log)
	}
	if st, err := os.Stat(log.Address[:strings.LastIndex(log.Address, "/")]); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the socket's directory: %v, %v", st.Mode(), err)
	}
	conn, err := grpc.NewClient("unix://"+log.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := pluginv1.NewPluginClient(conn).Configure(t.Context(), &pluginv1.ConfigureRequest{Node: 1}); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(log.Address); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
