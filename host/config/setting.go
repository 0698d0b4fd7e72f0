package config

// setting is one key of a section: which values are valid and where they go.
type setting struct {
	key  string
	need bool // it must be set
	// set stores a value from the file, or returns why the value is wrong.
	set func(v any) *fault
	// text returns the present value as TOML; "" leaves it out.
	text func() string
	// section returns the keys below this one if it is a table, else it is nil. It is
	// called once, and only if the file has the key.
	section func() []setting
}

// fault says what is wrong with a value.
type fault struct {
	at      []string // keys below the setting's own
	message string
	hint    string
	also    *fault // something else that is wrong with the same value
}

// append returns the faults with one more at the end.
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

// checked adds a check to a setting. It is made after the value was stored.
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
