package view

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// endsSoon is how long before its end a key is warned about.
const endsSoon = 14 * 24 * time.Hour

// Operators shows who may command a node, what they may do, and what is wrong with that.
func (p Printer) Operators(r *hostv1.ListOperatorsResponse, now time.Time) string {
	var b strings.Builder
	title := "Node " + idOf(r.GetNode())
	if r.GetName() != "" {
		title += " (" + Plain(r.GetName()) + ")"
	}
	b.WriteString(p.Color.Apply(Strong, title+" of cluster "+Plain(r.GetCluster())) + "\n")
	if r.GetFile() == "" {
		p.say(&b, Warning, "Unsigned commands are accepted: the node has no operators (operators.signers is not set), so whoever may use its socket may command it.")
		return b.String()
	}
	row := func(name, value string) { fmt.Fprintf(&b, "  %-12s %s\n", name, value) }
	row("signers", Plain(r.GetFile()))
	row("ordinary", "a command "+needs(r.GetOrdinary()))
	row("break-glass", "a command "+needs(r.GetBreakGlass()))
	row("thaw", needs(r.GetThaw()))
	row("freshness", "a command is valid for "+Seconds(r.GetFreshness().AsDuration()))
	p.say(&b, Ordinary, "Everybody whose key counts may sign all of these.")
	p.operatorProblems(&b, r, now)
	if len(r.GetKeys()) > 0 {
		b.WriteString("\n")
	}
	for _, k := range r.GetKeys() {
		p.operatorKey(&b, k, r.GetAt().AsTime())
	}
	if len(r.GetPending()) > 0 {
		b.WriteString("\n")
		p.say(&b, Warning, "The file has changed since the node read it. `meshos reload` takes this over:")
		for _, line := range r.GetPending() {
			p.say(&b, Ordinary, "- "+Plain(line))
		}
	}
	return b.String()
}

// needs returns how many operators a command needs, in words.
func needs(n uint32) string {
	if n <= 1 {
		return "needs the signature of one operator"
	}
	return fmt.Sprintf("needs the signatures of %d different operators", n)
}

func (p Printer) say(b *strings.Builder, style Style, text string) {
	b.WriteString("  ")
	p.flow(b, 2, 2, styled{text, style})
}

// operatorProblems tells what keeps operators from commanding the node, or others from having
// to be operators.
func (p Printer) operatorProblems(b *strings.Builder, r *hostv1.ListOperatorsResponse, now time.Time) {
	if r.GetUnsignedAccepted() {
		p.say(b, Warning, "Unsigned commands are accepted, except for break-glass commands (operators.allow_unsigned).")
	}
	switch persons := r.GetPersons(); {
	case r.GetUnreadable() != "":
		p.say(b, Bad, "Every order is rejected: the file of signers could not be read when the node started: "+
			Plain(r.GetUnreadable())+". Make it readable, then run `meshos reload`.")
	case persons == 0:
		p.say(b, Bad, "Nobody may sign now: every signed command is rejected.")
	default:
		for _, one := range []struct {
			what string
			need uint32
		}{{"An ordinary command", r.GetOrdinary()}, {"A break-glass command", r.GetBreakGlass()}, {"A thaw", r.GetThaw()}} {
			if one.need > persons {
				p.say(b, Bad, fmt.Sprintf("%s %s, and the keys that count now belong to %s: it is always rejected.", one.what, needs(one.need), Counted(int(persons), "person")))
			}
		}
	}
	for _, c := range r.GetCooldowns() {
		p.say(b, Warning, Sentence(p.Cooldown(c, now))+".")
	}
	if why := ClockProblem(r, now); why != "" {
		p.say(b, Bad, Sentence(why)+".")
	}
	if r.GetFileProblem() != "" {
		p.say(b, Bad, "The file can't be taken over as it is now; the keys below stay in force:")
		for _, line := range strings.Split(r.GetFileProblem(), "\n") {
			p.say(b, Bad, "- "+Plain(line))
		}
	}
}

func (p Printer) operatorKey(b *strings.Builder, k *hostv1.OperatorKey, now time.Time) {
	style, words := Good, "counts"
	switch k.GetState() {
	case hostv1.OperatorKey_STATE_VALID:
		if k.ValidAfter != nil {
			words += " since " + p.second(k.GetValidAfter())
		}
		switch left := k.GetValidBefore().AsTime().Sub(now); {
		case k.ValidBefore == nil:
		case left < endsSoon:
			style = Warning
			words += fmt.Sprintf(" until %s, another %s", p.second(k.GetValidBefore()), Seconds(left))
		default:
			words += " until " + p.second(k.GetValidBefore())
		}
	case hostv1.OperatorKey_STATE_NOT_YET_VALID:
		style, words = Warning, "does not count yet: from "+p.second(k.GetValidAfter())
		if k.ValidBefore != nil {
			words += " until " + p.second(k.GetValidBefore())
		}
	case hostv1.OperatorKey_STATE_EXPIRED:
		style, words = Bad, "counts no more: it was valid until "+p.second(k.GetValidBefore())
	default:
		style, words = Faint, KeyState(k)
	}
	fmt.Fprintf(b, "  %s  %s\n", p.Color.Apply(Strong, Plain(strings.Join(k.GetPrincipals(), ","))), p.Color.Apply(style, Plain(words)))
	fmt.Fprintf(b, "    %s\n    %s", Plain(k.GetFingerprint()), Plain(k.GetKeyType()))
	if k.GetNoTouchRequired() {
		b.WriteString(", signs without a touch")
	}
	if len(k.GetNamespaces()) > 0 {
		b.WriteString(", namespaces " + Plain(strings.Join(k.GetNamespaces(), ",")))
	} else {
		b.WriteString(", all namespaces")
	}
	fmt.Fprintf(b, ", line %d\n", k.GetLine())
}

// second returns a time that was written with whole seconds.
func (p Printer) second(t *timestamppb.Timestamp) string { return p.time(t, "2006-01-02 15:04:05") }

// KeyState returns why a key may not sign commands, "" if it may.
func KeyState(k *hostv1.OperatorKey) string {
	stamp := func(t *timestamppb.Timestamp) string { return t.AsTime().Format(time.RFC3339) }
	switch k.GetState() {
	case hostv1.OperatorKey_STATE_VALID:
		return ""
	case hostv1.OperatorKey_STATE_NOT_YET_VALID:
		return "is not valid yet: valid-after is " + stamp(k.GetValidAfter())
	case hostv1.OperatorKey_STATE_EXPIRED:
		return "is no longer valid: valid-before is " + stamp(k.GetValidBefore())
	case hostv1.OperatorKey_STATE_OTHER_NAMESPACE:
		return "may not sign commands: its namespaces are " + strings.Join(k.GetNamespaces(), ",")
	}
	return "may not sign commands, for a reason that this version does not know"
}

// Cooldown returns which commands have to wait until when.
func (p Printer) Cooldown(c *hostv1.Cooldown, now time.Time) string {
	return fmt.Sprintf("%s have to wait until %s, another %s", Plain(c.GetOf()), p.Stamp(c.GetUntil(), now), Seconds(c.GetLeft().AsDuration()))
}

// ClockProblem returns why the node would reject commands that are signed with the clock of
// this machine; "" if the clocks agree well enough.
func ClockProblem(r *hostv1.ListOperatorsResponse, now time.Time) string {
	if r.At == nil || r.GetFile() == "" {
		return ""
	}
	switch ahead := now.Sub(r.GetAt().AsTime()); {
	case ahead > r.GetFutureSkew().AsDuration():
		return fmt.Sprintf("the clock of this machine is %s ahead of the node's, and at most %s is allowed: what is signed here is rejected as envelope_from_future; compare the clocks",
			Seconds(ahead), Seconds(r.GetFutureSkew().AsDuration()))
	case -ahead > r.GetFreshness().AsDuration():
		return fmt.Sprintf("the clock of this machine is %s behind the node's, and a command is valid for %s: what is signed here is rejected as envelope_expired; compare the clocks",
			Seconds(-ahead), Seconds(r.GetFreshness().AsDuration()))
	}
	return ""
}
