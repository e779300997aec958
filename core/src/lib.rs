//! All that can be decided about a cutover without I/O.
