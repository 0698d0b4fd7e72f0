package chains

import "time"

// Ask is what to ask the engine.
type Ask uint8

// What may be asked.
const (
	Nothing Ask = iota
	AskInfo
	AskCreate
	AskPlacement // that it asks for Change.Tag
	AskReplicas  // that Change.Replicas hold it
	AskEvacuate  // Change.Victim
	AskRemove    // Change.Victim
	AskStepDown  // in favour of Change.Targets[0]
	AskCancel    // what is under way
	AskBack      // evacuate Targets[0], so that Victim stays: it bears the tag
)

// Step is what to do next.
type Step struct {
	Ask Ask
	At  time.Time // when; not before
	End bool      // the change has ended: Move.Err says how
}

// Answer is what came of a request that changes something.
type Answer struct {
	Lost bool // no answer came in time: it may be carried out all the same
	Code int  // 0: it was taken
	Text string
}

// The codes that mean something here.
const (
	CodeNoPeers     = 10005 // no server bears the tag, or not enough: as far as is known there
	CodeUnavailable = 10008 // the cluster has no leader
	CodeBusy        = 10124
	CodeChanging    = 10226
	CodeNoRemap     = 10075 // like CodeNoPeers
	CodeNothing     = 10129 // nothing to cancel
	CodeExists      = 10058
)

// Limits of a change.
const (
	LookEvery    = 500 * time.Millisecond
	SilentAfter  = 1500 * time.Millisecond // a target that was not heard of for so long has fallen silent
	tagEvery     = 100 * time.Millisecond  // a tag counts after 0.02 to 0.7 s
	TagWithin    = 20 * time.Second
	LeaderWithin = 15 * time.Second // elections take up to 9 s
	joinWithin   = 5 * time.Second  // a target that is to be a holder is named by the leader
	undoWithin   = time.Minute
	settleWithin = 2 * time.Second // what was recorded is seen by the leader
	activeBefore = 2 * time.Second // who is to lead was heard of that lately
)
