package mesh

import (
	"slices"
	"strings"
)

// Signals returns the names of the signals that a process can be sent, with their SIG.
func Signals() []string {
	return []string{
		"SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV",
		"SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",
		"SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	}
}

// Signal returns the name of a signal that was written in any of the usual ways, such as "hup";
// ok is false if there is no such signal.
func Signal(word string) (name string, ok bool) {
	name = strings.ToUpper(word)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	return name, slices.Contains(Signals(), name)
}
