package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/flock"
)

// Clash is the exit code of a main process that found another one.
const clash = 99

// main is a daemon's main process.
func (a actor) main() int {
	asked := make(chan os.Signal, 8)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	lock := a.lock()
	if lock == nil {
		return clash
	}
	run := a.begin()
	a.expect()
	out := newWriter(a, run)
	if a.has("children") {
		a.fork(lock)
	}
	if port := a.traits["port"]; port != "" && !a.listen(port) {
		return clash
	}
	if a.has("work") {
		return a.work(run, out)
	}
	every, err := time.ParseDuration(a.traits["line"])
	if err != nil {
		every = 400 * time.Millisecond
	}
	tick := time.NewTicker(every)
	life := time.Duration(200+rand.IntN(4000)) * time.Millisecond
	for began := time.Now(); ; {
		select {
		case <-tick.C:
			if a.over() {
				return 0
			}
			if time.Since(began) > life && a.chaos() {
				if code, err := strconv.Atoi(a.traits["exit"]); err == nil {
					return code
				}
			}
			out.lines(1)
		case sig := <-asked:
			switch sig {
			case syscall.SIGUSR1: // a flood
				for range 400 {
					out.lines(50)
				}
			case syscall.SIGUSR2:
				return 0
			case syscall.SIGHUP:
				a.put("reloaded", strconv.Itoa(run))
			default:
				if !a.has("deaf") {
					return 0
				}
			}
		}
	}
}

// lock holds the daemon's lock as long as the process and those children live that are to end
// with it. It returns nil if somebody else has it.
func (a actor) lock() *os.File {
	f, err := os.OpenFile(a.mark("lock"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		a.wrong("its lock: %v", err)
		return nil
	}
	_ = f.Chmod(0o666)
	if err := flock.TryExclusive(f); err != nil {
		holder, _ := os.ReadFile(a.mark("lock"))
		a.wrong("runs twice: as %d beside %s", os.Getpid(), strings.TrimSpace(string(holder)))
		return nil
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return f
}

// begin counts the runs.
func (a actor) begin() int {
	text, _ := os.ReadFile(a.mark("runs"))
	n, _ := strconv.Atoi(string(text))
	a.put("runs", strconv.Itoa(n+1))
	return n + 1
}

// expect reports what is not as the daemon's entry says.
func (a actor) expect() {
	if uid := a.traits["uid"]; uid != "" && uid != strconv.Itoa(os.Getuid()) {
		a.wrong("runs as user %d", os.Getuid())
	}
	if secret := a.traits["secret"]; secret != "" && secret != os.Getenv("SECRET")+os.Getenv("FROM_FILE") {
		a.wrong("lacks its secrets")
	}
	if a.has("before") && os.Remove(a.mark("before")) != nil {
		a.wrong("was started without its pre_start")
	}
	if a.has("afterwards") {
		err := os.Remove(a.mark("afterwards"))
		if text, _ := os.ReadFile(a.mark("runs")); err != nil && string(text) != "1" {
			a.wrong("was started again without its post_stop")
		}
	}
}

// listen holds a port, and answers those who check.
func (a actor) listen(port string) bool {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		a.wrong("its port: %v", err)
		return false
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if a.ill() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
	}()
	return true
}

// work is what a one-shot does.
func (a actor) work(run int, out *writer) int {
	for range 5 {
		out.lines(1)
		time.Sleep(60 * time.Millisecond)
	}
	if fails, _ := strconv.Atoi(a.traits["work"]); run <= fails {
		fmt.Fprintln(os.Stderr, "not yet")
		return 4
	}
	a.put("done", strconv.Itoa(run))
	return 0
}

// fork leaves a child without a parent, in a session of its own.
func (a actor) fork(lock *os.File) {
	cmd := exec.Command("/proc/self/exe", "leave")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if !a.has("leaves") { // the next run would find the lock
		cmd.ExtraFiles = []*os.File{lock}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	_ = cmd.Run() // which may be killed, or asked to end with all others
}

func (a actor) leave() {
	cmd := exec.Command("/proc/self/exe", "child")
	if !a.has("leaves") {
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.ExtraFiles = []*os.File{os.NewFile(3, "lock")}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		os.Exit(1)
	}
}

// child lives as long as it may.
func (a actor) child() {
	if a.has("deaf") {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	for !a.over() {
		time.Sleep(500 * time.Millisecond)
	}
}
