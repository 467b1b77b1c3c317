"""`python -m haichieu.demo.softphone`: one phone, JSON commands in, JSON events out."""

from haichieu.demo.softphone.process import main

raise SystemExit(main())
