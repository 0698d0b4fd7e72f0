package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// callAPI calls the node's API from this process, a child, and an orphan whose parent has
// ended, and prints what each of them got. $API is the socket.
func callAPI() {
	report("itself")
	for _, mode := range []string{"call-api-child", "call-api-parent", "call-api-session"} {
		if err := startSelf(mode, false).Run(); err != nil {
			panic(err)
		}
	}
}

// calledByMain runs what the children do. It returns false for other modes.
func calledByMain(mode string) bool {
	switch mode {
	case "call-api-child":
		report("child")
	case "call-api-parent":
		startOrphan("call-api-orphan", false)
	case "call-api-session":
		startOrphan("call-api-leader", true)
	case "call-api-orphan":
		awaitOrphaned()
		report("orphan")
	case "call-api-leader":
		awaitOrphaned()
		report("orphan with a session of its own")
	default:
		return false
	}
	return true
}

func startSelf(mode string, session bool) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "MODE="+mode, fmt.Sprintf("PARENT=%d", os.Getpid()))
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	return c
}

func startOrphan(mode string, session bool) {
	if err := startSelf(mode, session).Start(); err != nil {
		panic(err)
	}
}

func awaitOrphaned() {
	for fmt.Sprint(os.Getppid()) == os.Getenv("PARENT") {
		time.Sleep(time.Millisecond)
	}
}

func report(who string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := grpc.NewClient("unix:"+os.Getenv("API"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	_, err = hostv1.NewHostClient(conn).GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	_, _ = fmt.Fprintf(os.Stderr, "api: %s: %v\n", who, status.Code(err))
}
