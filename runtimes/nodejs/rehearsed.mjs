// The ES module that a rehearsal imports.
