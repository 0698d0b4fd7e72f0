package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// paper is a file that is followed, and what was read of it.
type paper struct {
	t    *testing.T
	path string
	tail *tail
	log  strings.Builder
}

func newPaper(t *testing.T) *paper {
	t.Helper()
	p := &paper{t: t, path: filepath.Join(t.TempDir(), "events.jsonl")}
	p.again(nil, false)
	t.Cleanup(func() { p.tail.close() })
	return p
}

// again starts anew, as another process does.
func (p *paper) again(was *position, atEnd bool) {
	p.t.Helper()
	if p.tail != nil {
		p.tail.close()
	}
	p.tail = &tail{path: p.path, log: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &p.log, DisableTime: true})}
	if err := p.tail.start(was, atEnd); err != nil {
		p.t.Fatal(err)
	}
}

func (p *paper) write(text string) {
	p.t.Helper()
	f, err := os.OpenFile(p.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *paper) rotate(to string) {
	p.t.Helper()
	if err := os.Rename(p.path, p.path+to); err != nil {
		p.t.Fatal(err)
	}
}

// reads checks what several reads return: "number:text" of each line.
func (p *paper) reads(want string) {
	p.t.Helper()
	var got []string
	for range 4 {
		lines, err := p.tail.read()
		if err != nil {
			p.t.Fatal(err)
		}
		for _, l := range lines {
			got = append(got, fmt.Sprintf("%d:%s", l.number, l.text))
		}
	}
	if strings.Join(got, " ") != want {
		p.t.Errorf("read %q, want %q", strings.Join(got, " "), want)
	}
}

func (p *paper) said(want string) {
	p.t.Helper()
	if !strings.Contains(p.log.String(), want) {
		p.t.Errorf("the log has no %q:\n%s", want, p.log.String())
	}
}

func TestLinesAreReadAsTheyAreAdded(t *testing.T) {
	p := newPaper(t)
	p.reads("")
	p.write("a\nb")
	p.reads("1:a")
	p.write("c\n\nd\n")
	p.reads("2:bc 3: 4:d")
}

func TestALineThatIsTooLongIsCut(t *testing.T) {
	p := newPaper(t)
	p.write("a\n" + strings.Repeat("x", maxLine+chunk) + "\nb\n")
	var lines []line
	for range 3 {
		more, err := p.tail.read()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, more...)
	}
	if len(lines) != 3 || lines[0].long || !lines[1].long || len(lines[1].text) != maxLine || lines[2].long || lines[2].number != 3 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestManyLinesComeInSeveralReads(t *testing.T) {
	p := newPaper(t)
	for n := range 3*maxLines + 5 {
		p.write(fmt.Sprintln(n))
	}
	all := int64(0)
	for range 4 {
		lines, err := p.tail.read()
		if err != nil || len(lines) > maxLines {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		for _, l := range lines {
			if all++; l.number != all || string(l.text) != fmt.Sprint(all-1) {
				t.Fatalf("line %d: %d:%s", all, l.number, l.text)
			}
		}
	}
	if all != 3*maxLines+5 {
		t.Errorf("%d lines", all)
	}
}

func TestARotatedFileIsReadToItsEnd(t *testing.T) {
	p := newPaper(t)
	p.write("a\n")
	p.reads("1:a")
	p.rotate(".1")
	p.reads("") // there is no new one yet
	appendTo(t, p.path+".1", "b\nc")
	p.write("d\n")
	p.reads("2:b 3:c 1:d")
	p.said("rotated")
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsCutShortIsReadFromItsBeginning(t *testing.T) {
	p := newPaper(t)
	p.write("a\nb\npart")
	p.reads("1:a 2:b")
	if err := os.Truncate(p.path, 0); err != nil {
		t.Fatal(err)
	}
	p.write("c\n")
	p.reads("1:c")
	p.said("cut short")
}

func TestAnotherProcessContinues(t *testing.T) {
	p := newPaper(t)
	p.write("a\nb\npart")
	p.reads("1:a 2:b")
	was := p.tail.at
	p.write("ial\nc\n")
	p.again(&was, true)
	p.reads("3:partial 4:c")

	// Rotated meanwhile: what was added to the old file comes first.
	was = p.tail.at
	p.tail.close()
	p.write("d\n")
	p.rotate("-2026-01-02")
	p.write("e\n")
	p.again(&was, false)
	p.reads("5:d 1:e")

	// Removed meanwhile: that is logged, and the new one is read.
	was = p.tail.at
	p.tail.close()
	if err := os.Remove(p.path); err != nil {
		t.Fatal(err)
	}
	p.write("f\n")
	p.again(&was, true)
	p.reads("1:f")
	p.said("is lost")
}

// Another file may have got the same inode.
func TestAFileWithAnotherContentIsAnotherFile(t *testing.T) {
	p := newPaper(t)
	p.write("a\nb\n")
	p.reads("1:a 2:b")
	was := p.tail.at
	if err := os.WriteFile(p.path, []byte("x\ny\nz\n"), 0o600); err != nil { // the same inode
		t.Fatal(err)
	}
	p.again(&was, false)
	p.reads("1:x 2:y 3:z")
}

func TestFromTheEnd(t *testing.T) {
	p := newPaper(t)
	for n := range maxLines + 1 {
		p.write(fmt.Sprintln(n))
	}
	p.again(nil, true)
	p.write("new\n")
	p.reads(fmt.Sprintf("%d:new", maxLines+2))
}

func TestADirectoryIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	bad := &tail{path: dir, log: hclog.NewNullLogger()}
	if err := bad.start(nil, false); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

func TestAPositionIsSavedOnceItHasSettled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "place.json")
	m := checkpoint{file: file, settle: time.Second}
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	remembered := func(want int64) {
		t.Helper()
		p, err := loadPosition(file)
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			p = &position{}
		}
		if p.Line != want {
			t.Errorf("line %d is remembered, want %d", p.Line, want)
		}
	}
	for n := range int64(200) { // one each 10 ms
		m.sent(position{Line: n + 1}, at(int(n)*10))
		m.settled(at(int(n) * 10))
		if len(m.marks) > marksPerSettle+2 {
			t.Fatalf("%d marks", len(m.marks))
		}
		if p, err := loadPosition(file); err != nil || p != nil && p.Line > max(0, n+1-100) {
			t.Fatalf("line %d is remembered when %d was sent a second ago: %v", p.Line, n+1-100, err)
		}
	}
	m.settled(at(1990 + 999))
	if p, err := loadPosition(file); err != nil || p == nil || p.Line >= 200 {
		t.Errorf("%+v is remembered too early: %v", p, err)
	}
	m.settled(at(1990 + 1000))
	remembered(200)
	m.sent(position{Line: 201}, at(5000))
	m.flush()
	remembered(201)
}

func TestADamagedPositionIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "place.json")
	for _, text := range []string{"", "{", `{"offset":-1}`, `{"head_bytes":1000000000}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := loadPosition(file); err == nil {
			t.Errorf("%q is taken for %+v", text, p)
		}
	}
}
