"""SQLAlchemy 2: ORM round trip, reflection, isolation levels, bulk work, two drivers' paramstyles."""

import datetime
import decimal

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String, inspect, select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from check import check, run


class Base(DeclarativeBase):
    metadata = sa.MetaData(schema="sa_test")


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    born: Mapped[datetime.date | None]
    tags: Mapped[list[str]] = mapped_column(pg.ARRAY(sa.Text), server_default="{}")
    extra: Mapped[dict] = mapped_column(pg.JSONB, default=dict)
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (sa.CheckConstraint("price >= 0", name="book_price"), sa.Index("book_title", "title", postgresql_where=sa.text("price > 1")))
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2))
    author_id: Mapped[int] = mapped_column(ForeignKey("sa_test.author.id", ondelete="CASCADE"))
    author: Mapped[Author] = relationship(back_populates="books")


engine = sa.create_engine("postgresql+psycopg://", pool_pre_ping=True)


@check
def tables_are_created_and_found():
    with engine.begin() as c:
        c.execute(sa.text("drop schema if exists sa_test cascade"))
        c.execute(sa.schema.CreateSchema("sa_test"))
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    assert set(inspect(engine).get_table_names("sa_test")) == {"author", "book"}


@check
def objects_go_and_come():
    with Session(engine) as s:
        ada = Author(name="Ada", born=datetime.date(1815, 12, 10), tags=["a", "b"], extra={"x": [1]})
        ada.books = [Book(title=f"t{n}", price=decimal.Decimal(n) / 4) for n in range(10)]
        s.add_all([ada, Author(name="Bob")])
        s.commit()
        s.expire_all()
        found = s.scalars(select(Author).options(selectinload(Author.books)).where(Author.name == "Ada")).one()
        assert len(found.books) == 10 and found.extra == {"x": [1]} and found.tags == ["a", "b"]
        found.books.pop()
        found.extra = {"y": 2}
        s.commit()
        assert s.scalar(select(sa.func.count()).select_from(Book)) == 9


@check
def queries_of_many_kinds():
    with Session(engine) as s:
        total = sa.func.sum(Book.price).over(partition_by=Book.author_id, order_by=Book.id)
        assert len(s.execute(select(Book.title, total)).all()) == 9
        cte = select(Book.author_id, sa.func.count().label("n")).group_by(Book.author_id).cte()
        rows = s.execute(select(Author.name, cte.c.n).outerjoin(cte, cte.c.author_id == Author.id).order_by(Author.name)).all()
        assert [tuple(row) for row in rows] == [("Ada", 9), ("Bob", None)]
        assert s.scalars(select(Author.name).where(Author.tags.contains(["a"]))).all() == ["Ada"]
        assert s.scalars(select(Author.name).where(Author.extra["y"].astext == "2")).all() == ["Ada"]
        assert s.scalars(select(Author.name).where(Author.name.ilike("%DA%"))).all() == ["Ada"]


@check
def upserts_and_returning():
    with engine.begin() as c:
        insert = pg.insert(Author.__table__).values(name="Ada", extra={})
        insert = insert.on_conflict_do_update(index_elements=["name"], set_={"born": None}).returning(Author.__table__.c.id)
        assert c.execute(insert).scalar_one() == 1
        ids = c.execute(sa.insert(Author.__table__).returning(Author.__table__.c.id), [{"name": f"n{n}", "extra": {}} for n in range(2500)]).scalars().all()
        assert len(set(ids)) == 2500


@check
def everything_is_reflected():
    found = inspect(engine)
    assert [c["name"] for c in found.get_columns("book", "sa_test")] == ["id", "title", "price", "author_id"]
    assert found.get_pk_constraint("book", "sa_test")["name"] == "book_pkey"
    key = found.get_foreign_keys("book", "sa_test")[0]
    assert key["referred_table"] == "author" and key["options"] == {"ondelete": "CASCADE"}, key
    index = found.get_indexes("book", "sa_test")[0]
    assert index["name"] == "book_title" and "postgresql_where" in index["dialect_options"], index
    assert found.get_unique_constraints("author", "sa_test")[0]["column_names"] == ["name"]
    assert found.get_check_constraints("book", "sa_test")[0]["name"] == "book_price"
    metadata = sa.MetaData()
    metadata.reflect(engine, schema="sa_test")
    assert str(metadata.tables["sa_test.book"].c.price.type) == "NUMERIC(10, 2)"


@check
def isolation_levels_and_savepoints():
    for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        with engine.connect().execution_options(isolation_level=level) as c:
            assert c.get_isolation_level() == level
    with Session(engine) as s:
        try:
            with s.begin_nested():
                s.add(Author(name="Ada"))
        except sa.exc.IntegrityError as error:
            assert error.orig.sqlstate == "23505"
        assert s.scalar(select(sa.func.count()).select_from(Author)) == 2502


@check
def rows_are_streamed():
    with engine.connect().execution_options(stream_results=True, max_row_buffer=100) as c:
        assert sum(1 for _ in c.execute(sa.text("select generate_series(1, 5000)"))) == 5000


@check
def tables_are_dropped():
    Base.metadata.drop_all(engine)
    with engine.begin() as c:
        c.execute(sa.schema.DropSchema("sa_test"))
    engine.dispose()


run(f"SQLAlchemy {sa.__version__}")
