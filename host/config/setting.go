package config

// setting is one key of a section: what it may hold and where that goes.
type setting struct {
	key  string
	need bool // has to be set
	// set takes the value from the file, or says why it does not.
	set func(v any) *fault
	// text gives the present value as TOML, "" when there is none to show.
	text func() string
	// section gives the keys below this one, when it is a table. It is called
	// once, and only when the file has it.
	section func() []setting
}

// fault is what is wrong with a value.
type fault struct {
	at      []string // keys below the setting's own
	message string
	hint    string
	also    *fault // the next that is wrong with the same value
}

// append puts one more fault behind the others.
func (f *fault) append(next *fault) *fault {
	if f == nil {
		return next
	}
	last := f
	for last.also != nil {
		last = last.also
	}
	last.also = next
	return f
}

func (s setting) needed() setting {
	s.need = true
	return s
}

// checked adds a check to a setting, which is asked after the value was taken.
func (s setting) checked(check func() *fault) setting {
	set := s.set
	s.set = func(v any) *fault {
		if f := set(v); f != nil {
			return f
		}
		return check()
	}
	return s
}

func keysOf(settings []setting) []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return keys
}
