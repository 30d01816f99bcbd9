"""Books for `Engine.sweep`: what a back-end builds them with. It loads NumPy, which `import rules_engine` does not."""

from rules_engine.engine.book import Book as Book
from rules_engine.engine.book_cells import Coded as Coded
from rules_engine.engine.book_change import changed as changed
from rules_engine.engine.book_rows import book_from_columns as book_from_columns
from rules_engine.engine.book_rows import book_from_rows as book_from_rows
from rules_engine.engine.book_rows import book_of as book_of
from rules_engine.engine.sweep_rows import STATUSES as STATUSES
from rules_engine.engine.what_if import Outcome as Outcome
from rules_engine.engine.what_if import Scenario as Scenario
from rules_engine.engine.what_if import even_moves as even_moves
from rules_engine.engine.what_if import grid_of as grid_of
