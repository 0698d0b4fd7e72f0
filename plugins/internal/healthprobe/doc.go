// Package healthprobe is what the health probes share: it attempts every peer's health
// target once an interval, and turns the attempts into verdicts. What an attempt is, and
// which targets it is for, is the plugin's own.
//
// The files: verdict.go turns a sequence of attempts into a verdict, dial.go connects,
// cause.go classifies why an attempt failed, queue.go orders the targets by when they are
// due, prober.go runs the attempts, judge.go applies and logs them, limit.go limits how
// many run at the same time, now.go makes one on demand.
package healthprobe
