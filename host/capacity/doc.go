// Package capacity bounds how much a node remembers, whoever brings it: it decides
// whether an event may come in, before the event is queued.
//
// What exists already may always change. What would be one more than the bound is
// refused, and so is what would be more than half of it from one plugin. Refusals are
// counted, and the first of each kind from each source becomes a failure record.
//
// The Gate knows what exists from an index of its own: the ids that it let in, with who
// brought them first, and those of the configuration. The state forgets ids without
// telling the gate. So when the index is full, and at most once a second, the gate reads
// the ids of the state, drops those that the state has not, unless they were let in since
// the reading before, and adds those that it did not know. So the state can exceed a
// bound by what was on its way in when the gate read it, and something new may be refused
// for a second although there is room for it again. Of the holders of a chain the index
// has an upper bound only: when that is full, the gate asks the state about the one
// holder. So a chain can have twice as many holders at most, if all of them are on their
// way in at once.
//
// The bounds are not part of the state: it folds whatever comes in, so a journal replays
// as it was recorded.
package capacity
