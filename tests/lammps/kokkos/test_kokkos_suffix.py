"""The tests of pair_style forcesmith, run by forcesmith/kk: the suffix kk puts it in its place."""

from test_errors import *  # noqa: F403
from test_exclusions import *  # noqa: F403
from test_extrapolation_grades import graded, graded_file, test_largest_grade_in_thermo  # noqa: F401
from test_pair_style import *  # noqa: F403
from test_scale import *  # noqa: F403
from test_wall import *  # noqa: F403
